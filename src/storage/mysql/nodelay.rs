//! Sockets to the server send at once: Nagle's algorithm is turned off on them.
//!
//! The library leaves it on and shows no socket. With it, the end of a commit that does not fill a segment is held back until what
//! went before is acknowledged, and the other side may take its time with that: 40 ms a commit, seen at 3,000 exchanges a second over
//! TLS on one machine. So this process looks at its own sockets whose other end is the server's port, each through a second
//! descriptor. Linux alone lets it (5.6 or newer); where it cannot, everything works as before, and slower.

use std::io;

/// Turns it off on every socket of this process to this port; on how many.
#[cfg(target_os = "linux")]
pub(super) fn send_at_once(port: u16) -> io::Result<usize> {
    use std::{fs, net::SocketAddr};

    use rustix::{
        net::{getpeername, sockopt},
        process::{PidfdFlags, PidfdGetfdFlags, getpid, pidfd_getfd, pidfd_open},
    };

    let own = pidfd_open(getpid(), PidfdFlags::empty())?;
    let mut turned = 0;
    for entry in fs::read_dir("/proc/self/fd")?.flatten() {
        let is_socket = fs::read_link(entry.path()).is_ok_and(|of| of.to_string_lossy().starts_with("socket:"));
        let number = entry.file_name().to_str().and_then(|number| number.parse().ok());
        let Some(number) = number.filter(|_| is_socket) else { continue };
        // It may have been closed since it was listed.
        let Ok(socket) = pidfd_getfd(&own, number, PidfdGetfdFlags::empty()) else { continue };
        let Ok(Some(peer)) = getpeername(&socket) else { continue };
        if SocketAddr::try_from(peer).is_ok_and(|peer| peer.port() == port) && !sockopt::tcp_nodelay(&socket)? {
            sockopt::set_tcp_nodelay(&socket, true)?;
            turned += 1;
        }
    }
    Ok(turned)
}

/// Nobody else lets a process look at its own sockets so.
#[cfg(not(target_os = "linux"))]
pub(super) fn send_at_once(_port: u16) -> io::Result<usize> {
    Ok(0)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn sockets_to_the_port_send_at_once_and_others_stay_as_they_are() {
        let (server, other) = (TcpListener::bind("127.0.0.1:0").unwrap(), TcpListener::bind("127.0.0.1:0").unwrap());
        let port = server.local_addr().unwrap().port();
        let to_server = TcpStream::connect(server.local_addr().unwrap()).unwrap();
        let to_other = TcpStream::connect(other.local_addr().unwrap()).unwrap();
        assert!(!to_server.nodelay().unwrap());
        assert_eq!(send_at_once(port).unwrap(), 1);
        assert_eq!((to_server.nodelay().unwrap(), to_other.nodelay().unwrap()), (true, false));
        assert_eq!(send_at_once(port).unwrap(), 0, "what sends at once is left alone");
    }
}
