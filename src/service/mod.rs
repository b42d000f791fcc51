//! What a service manager and the platform tell each other: that it serves, that it lives, that it ends, and which
//! sockets it is to listen on. The protocol is systemd's; other managers speak it too, and without one all of this is
//! silent. Knows nothing of what is served.

mod notify;
mod sockets;

pub use notify::Notifier;
pub use sockets::{Listeners, SocketsError};
