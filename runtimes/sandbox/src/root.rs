//! A root of its own: a read-only tree with what engines and packages read, the function's files, an own `/tmp`, and a
//! `/proc` that shows its own processes alone. Knows nothing of languages.

use std::ffi::CString;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::unistd::pivot_root;
use zygo_wire::{Layer, Sandbox};

use crate::error::{LayerError, Step};

/// Where the function's files are inside.
pub const TASK: &str = "/var/task";

/// Where the new root is put together: it is there everywhere, and nothing that is needed lies below it.
const SITE: &str = "/sys";

/// What engines, packages and the C library read. What a machine lacks is left out; links are made as they are.
const SHOWN: [&str; 20] = [
    "/usr",
    "/lib",
    "/lib32",
    "/lib64",
    "/bin",
    "/sbin",
    "/var/lib/gems",
    "/etc/alternatives",
    "/etc/ca-certificates",
    "/etc/gai.conf",
    "/etc/host.conf",
    "/etc/hosts",
    "/etc/ld.so.cache",
    "/etc/localtime",
    "/etc/mime.types",
    "/etc/nsswitch.conf",
    "/etc/protocols",
    "/etc/resolv.conf",
    "/etc/services",
    "/etc/ssl",
];

/// The devices that programs expect.
const DEVICES: [&str; 5] = ["null", "zero", "full", "random", "urandom"];

/// Links in `/dev`, and where they lead.
const DEVICE_LINKS: [(&str, &str); 5] = [
    ("fd", "/proc/self/fd"),
    ("stdin", "/proc/self/fd/0"),
    ("stdout", "/proc/self/fd/1"),
    ("stderr", "/proc/self/fd/2"),
    ("shm", "/tmp"),
];

/// Its own name in its own list of users.
const USERS: &str =
    "root:x:0:0::/tmp:/usr/sbin/nologin\nfunction:x:1000:1000::/tmp:/usr/sbin/nologin\n";
const GROUPS: &str = "root:x:0:\nfunction:x:1000:\n";

/// Enters a new root with the files of `bundle` at [`TASK`]. This process must be in a mount namespace of its own, and
/// have the right to mount in it.
pub(crate) fn enter(plan: &Sandbox, bundle: &Path) -> Result<(), LayerError> {
    mount_at(
        None,
        Path::new("/"),
        None,
        MsFlags::MS_REC | MsFlags::MS_PRIVATE,
        None,
    )
    .step(Layer::Root, "keeping mounts to itself")?;
    let site = Path::new(SITE);
    mount_at(
        Some("tmpfs"),
        site,
        Some("tmpfs"),
        hardened(),
        Some("size=1m,nr_inodes=512,mode=755"),
    )
    .step(Layer::Root, "mounting an empty root")?;
    furnish(site, bundle, plan).step(Layer::Root, "putting the root together")?;
    change_to(site).step(Layer::Root, "changing to the new root")?;
    let all = MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY | hardened();
    mount_at(None, Path::new("/"), None, all, None).step(Layer::Root, "making the root read-only")
}

fn furnish(site: &Path, bundle: &Path, plan: &Sandbox) -> io::Result<()> {
    for path in SHOWN {
        show(site, Path::new(path), Path::new(path))?;
    }
    write(site, "etc/passwd", USERS)?;
    write(site, "etc/group", GROUPS)?;
    write(site, "etc/hostname", "zygo\n")?;
    show(site, bundle, Path::new(TASK))?;
    for device in DEVICES {
        show_device(site, device)?;
    }
    for (name, target) in DEVICE_LINKS {
        symlink(target, site.join("dev").join(name))?;
    }
    let tmp = folder(site, "tmp")?;
    let size = format!(
        "size={},nr_inodes={},mode=1777",
        plan.tmp_bytes, plan.tmp_files
    );
    let flags = hardened() | MsFlags::MS_NOEXEC;
    mount_at(Some("tmpfs"), &tmp, Some("tmpfs"), flags, Some(&size))?;
    let own = Some("hidepid=invisible,subset=pid");
    mount_at(
        Some("proc"),
        &folder(site, "proc")?,
        Some("proc"),
        flags,
        own,
    )
}

/// Makes a path of the machine visible, read-only, at `inside`.
fn show(site: &Path, outside: &Path, inside: &Path) -> io::Result<()> {
    let target = below(site, inside);
    let kind = match fs::symlink_metadata(outside) {
        Ok(metadata) => metadata.file_type(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if let Some(parent) = target.parent() {
        make_folder(parent)?;
    }
    // `/lib` may lead to `/usr/lib`; a link in `/etc` may lead to where nothing is shown, so what it means is shown.
    if kind.is_symlink() && outside.parent() == Some(Path::new("/")) {
        return symlink(fs::read_link(outside)?, target);
    }
    let Ok(source) = outside.canonicalize() else {
        // A link that leads nowhere.
        return Ok(());
    };
    match source.is_dir() {
        true => make_folder(&target)?,
        false => fs::write(&target, "")?,
    }
    bind(&source, &target)?;
    restrict(
        &target,
        libc::MOUNT_ATTR_RDONLY | libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NODEV,
    )
}

/// A device of the machine; nobody inside can make one.
fn show_device(site: &Path, name: &str) -> io::Result<()> {
    let target = folder(site, "dev")?.join(name);
    fs::write(&target, "")?;
    bind(&Path::new("/dev").join(name), &target)?;
    restrict(&target, libc::MOUNT_ATTR_NOSUID | libc::MOUNT_ATTR_NOEXEC)
}

fn change_to(site: &Path) -> io::Result<()> {
    std::env::set_current_dir(site)?;
    // The old root comes to lie on the new one, and is taken away.
    pivot_root(".", ".")?;
    umount2(".", MntFlags::MNT_DETACH)?;
    std::env::set_current_dir("/")
}

fn hardened() -> MsFlags {
    MsFlags::MS_NOSUID | MsFlags::MS_NODEV
}

fn mount_at(
    source: Option<&str>,
    target: &Path,
    kind: Option<&str>,
    flags: MsFlags,
    options: Option<&str>,
) -> io::Result<()> {
    let failed = |error: nix::Error| {
        let error = io::Error::from(error);
        io::Error::new(error.kind(), format!("{}: {error}", target.display()))
    };
    mount(source, target, kind, flags, options).map_err(failed)
}

fn bind(source: &Path, target: &Path) -> io::Result<()> {
    let flags = MsFlags::MS_BIND | MsFlags::MS_REC;
    mount_at(source.to_str(), target, None, flags, None)
}

/// Sets attributes of a mount and of all mounts below it. Unlike a remount this keeps those that are there already, which
/// a user namespace must not take away.
fn restrict(target: &Path, attributes: u64) -> io::Result<()> {
    let path = CString::new(target.as_os_str().as_bytes())?;
    let change = libc::mount_attr {
        attr_set: attributes,
        attr_clr: 0,
        propagation: 0,
        userns_fd: 0,
    };
    let flags = libc::AT_RECURSIVE | libc::AT_SYMLINK_NOFOLLOW;
    // SAFETY: the path ends with a zero byte and the structure has the length that is told; the kernel reads both and
    // keeps neither.
    let done = unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            path.as_ptr(),
            flags,
            &raw const change,
            size_of::<libc::mount_attr>(),
        )
    };
    match done {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn below(site: &Path, inside: &Path) -> PathBuf {
    site.join(inside.strip_prefix("/").unwrap_or(inside))
}

fn folder(site: &Path, name: &str) -> io::Result<PathBuf> {
    let path = site.join(name);
    make_folder(&path)?;
    Ok(path)
}

fn make_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o755)
        .create(path)
}

fn write(site: &Path, name: &str, text: &str) -> io::Result<()> {
    let path = site.join(name);
    if let Some(parent) = path.parent() {
        make_folder(parent)?;
    }
    fs::write(&path, text)?;
    // Whatever the mask of the platform is.
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644))
}
