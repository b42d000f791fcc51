//! Asks the Python that this binary is linked with where its library is, because an embedded interpreter cannot find
//! out for itself: it is not installed beside it.

use std::process::Command;

/// Prefix and program, then the folders of the standard library and those for installed packages, one a line.
const QUESTION: &str = "import sys, site; print(sys.prefix, sys.executable, *sys.path, *site.getsitepackages(), sep='\\n')";

fn main() {
    let config = pyo3_build_config::get();
    let python = config.executable().unwrap_or("python3");
    let output = Command::new(python)
        .args(["-I", "-S", "-c", QUESTION])
        .output();
    let answer = match output {
        Ok(output) if output.status.success() => {
            String::from_utf8_lossy(&output.stdout).into_owned()
        }
        other => {
            println!("cargo::error={python} does not say where its library is: {other:?}");
            return;
        }
    };
    let lines: Vec<&str> = answer.lines().collect();
    let [prefix, executable, paths @ ..] = &lines[..] else {
        return;
    };
    println!("cargo::rustc-env=ZYGO_PYTHON_PREFIX={prefix}");
    println!("cargo::rustc-env=ZYGO_PYTHON_EXECUTABLE={executable}");
    println!("cargo::rustc-env=ZYGO_PYTHON_PATH={}", paths.join(":"));
    println!("cargo::rerun-if-env-changed=PYO3_PYTHON");
}
