//! Compiles the XDP programs with clang. They need no headers, so clang is all that a build machine must have.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAMS: [&str; 2] = ["zerocat", "reflector"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=bpf");
    println!("cargo::rerun-if-env-changed=CLANG");
    let out = PathBuf::from(std::env::var("OUT_DIR")?);
    for program in PROGRAMS {
        compile(&Path::new("bpf").join(format!("{program}.bpf.c")), &out.join(format!("{program}.bpf.o")))?;
    }
    Ok(())
}

/// Debug information is needed: libbpf reads the maps' definitions from it.
fn compile(source: &Path, object: &Path) -> Result<(), Box<dyn Error>> {
    let clang = std::env::var("CLANG").unwrap_or_else(|_| "clang".into());
    let endian = std::env::var("CARGO_CFG_TARGET_ENDIAN")?;
    let target = if endian == "big" { "bpfeb" } else { "bpfel" };
    let status = Command::new(&clang)
        .args(["-target", target, "-O2", "-g", "-std=gnu11", "-Wall", "-Wextra", "-Werror", "-ffreestanding", "-c"])
        .arg(source)
        .arg("-o")
        .arg(object)
        .status()
        .map_err(|error| format!("run {clang} (install clang, or name it in CLANG): {error}"))?;
    if !status.success() {
        return Err(format!("compile {} with {clang}: {status}", source.display()).into());
    }
    Ok(())
}
