//! `athenz-sia`.

fn main() -> ! {
    pallas_host::run("athenz-sia", include_bytes!(concat!(env!("PALLAS_SCRIPTS"), "/athenz-sia.bin")), pallas_host::broken::on_stderr)
}
