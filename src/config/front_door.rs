//! Who can reach the server, judged before it listens.
//!
//! Loopback is open. HTTP on any other address needs TLS and tokens; plain syslog, which knows neither, needs a list of
//! the networks that may send. Otherwise the program refuses to start and says what to add.

use std::net::{SocketAddr, ToSocketAddrs};

use super::Settings;
use super::load::Problem;

/// Why the server does not start on these addresses.
pub type FrontDoorError = Vec<Problem>;

/// Checks the listening addresses against the access settings.
pub fn check_front_door(settings: &Settings) -> Result<(), FrontDoorError> {
    let mut problems = Vec::new();
    let mut problem = |key: &str, what: String, instead: &str| {
        problems.push(Problem { place: "configuration".into(), key: key.into(), what, instead: instead.into() });
    };
    match addresses(&settings.http.listen) {
        Err(what) => problem("http.listen", what, "an address and a port, such as 127.0.0.1:8514"),
        Ok(addresses) => {
            let has_tls = !settings.http.tls_cert.is_empty() && !settings.http.tls_key.is_empty();
            let is_locked = has_tls && settings.access.require_token;
            if !all_loopback(&addresses) && !is_locked {
                problem(
                    "http.listen",
                    format!("{} can be reached from other machines, and that needs TLS and tokens", settings.http.listen),
                    "listen = \"127.0.0.1:8514\", or keep it and add:\n    [http]\n    tls_cert = \"/path/to/chain.pem\"\n    \
                     tls_key = \"/path/to/key.pem\"\n    [access]\n    require_token = true\n  \
                     and make a token with: watchroom token create --scope ingest,query",
                );
            }
        }
    }
    if settings.http.tls_cert.is_empty() != settings.http.tls_key.is_empty() {
        problem("http.tls_cert", "TLS needs both a certificate and a key".into(), "both tls_cert and tls_key, or neither");
    }
    for (key, address) in [("syslog.tcp", &settings.syslog.tcp), ("syslog.udp", &settings.syslog.udp)] {
        if address.is_empty() {
            continue;
        }
        match addresses(address) {
            Err(what) => problem(key, what, "an address and a port, such as 127.0.0.1:5514, or \"\" to turn it off"),
            Ok(addresses) if !all_loopback(&addresses) && settings.syslog.allow.is_empty() => problem(
                key,
                format!("{address} can be reached from other machines, and plain syslog has no password"),
                "a loopback address, or keep it and add the networks that may send:\n    [syslog]\n    allow = [\"192.168.0.0/16\"]",
            ),
            Ok(_) => {}
        }
    }
    if problems.is_empty() { Ok(()) } else { Err(problems) }
}

fn addresses(listen: &str) -> Result<Vec<SocketAddr>, String> {
    match listen.to_socket_addrs() {
        Ok(addresses) => Ok(addresses.collect()),
        Err(error) => Err(format!("`{listen}` is no address: {error}")),
    }
}

fn all_loopback(addresses: &[SocketAddr]) -> bool {
    !addresses.is_empty() && addresses.iter().all(|address| address.ip().to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(settings: &Settings) -> Vec<String> {
        check_front_door(settings).err().unwrap_or_default().into_iter().map(|p| p.key).collect()
    }

    #[test]
    fn loopback_is_open_and_everything_else_needs_a_lock() {
        let mut settings = Settings::default();
        assert_eq!(keys(&settings), [""; 0]);
        settings.http.listen = "0.0.0.0:8514".into();
        settings.syslog.tcp = "[::]:514".into();
        assert_eq!(keys(&settings), ["http.listen", "syslog.tcp"]);
        settings.access.require_token = true;
        settings.http.tls_cert = "c.pem".into();
        assert_eq!(keys(&settings), ["http.listen", "http.tls_cert", "syslog.tcp"], "half of TLS is none");
        settings.http.tls_key = "k.pem".into();
        settings.syslog.allow = vec!["10.0.0.0/8".into()];
        assert_eq!(keys(&settings), [""; 0]);
    }

    #[test]
    fn the_message_has_the_lines_to_add() {
        let mut settings = Settings::default();
        settings.http.listen = "192.0.2.1:8514".into();
        let text = check_front_door(&settings).unwrap_err()[0].to_string();
        assert!(text.contains("tls_cert") && text.contains("require_token = true"), "{text}");
        settings.http.listen = "nonsense".into();
        assert!(check_front_door(&settings).unwrap_err()[0].to_string().contains("is no address"));
    }
}
