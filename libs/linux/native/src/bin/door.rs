//! The door for the contract suite: what is asked on stdin is answered on stdout. Never shipped.

fn main() -> ! {
    pallas_host::run("door", include_bytes!(concat!(env!("PALLAS_SCRIPTS"), "/door.bin")), pallas_host::broken::on_stderr)
}
