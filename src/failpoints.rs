//! Points at which tests end the platform or make it fail, named in `ZYGO_FAILPOINTS`: `deploy::archived=abort`, more of
//! them parted by `;`. `abort` ends the process as a kill would, everything else is what the crate `fail` takes, such as
//! `return` or `sleep(100)`. Without the variable nothing happens at any of them.

/// Sets the points that the environment names.
///
/// # Errors
/// What cannot be understood.
pub(crate) fn set() -> Result<(), String> {
    let Ok(points) = std::env::var("ZYGO_FAILPOINTS") else {
        return Ok(());
    };
    for point in points.split(';').filter(|point| !point.trim().is_empty()) {
        let (name, action) = point
            .split_once('=')
            .ok_or_else(|| format!("ZYGO_FAILPOINTS: `{point}` is not name=action"))?;
        tracing::warn!(
            name,
            action,
            "a failpoint is set: this platform is being tested"
        );
        match action {
            "abort" => fail::cfg_callback(name, || std::process::abort())?,
            _ => fail::cfg(name, action)?,
        }
    }
    Ok(())
}
