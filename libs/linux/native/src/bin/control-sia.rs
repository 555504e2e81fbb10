//! `athenz-control-sia`.

fn main() -> ! {
    pallas_host::run("athenz-control-sia", include_bytes!(concat!(env!("PALLAS_SCRIPTS"), "/athenz-control-sia.bin")), pallas_host::broken::on_stderr)
}
