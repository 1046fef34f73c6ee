//! Where waiting begins to outweigh work: the knee of the response time.
//!
//! Requests that come at random to `c` servers wait (Erlang's delay formula, M/M/c). With a utilisation ρ of each server a
//! request takes `1 + C(c, cρ) / (c (1 − ρ))` times its service time, where C is the chance that all servers are busy. The knee is
//! the utilisation at which it takes twice its service time: one half for one server, 0.71 for two, 0.95 for sixteen.

/// Servers of one machine at most; beyond, the knee lies above 0.99.
const MOST_SERVERS: f64 = 1_024.0;

/// How many times its service time a request takes at the knee.
const SLOWDOWN: f64 = 2.0;

/// The utilisation of `servers` servers at the knee, 0.5 to 1.
pub fn knee(servers: f64) -> f64 {
    let servers = if servers.is_nan() { 1.0 } else { servers.round().clamp(1.0, MOST_SERVERS) };
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..50 {
        let middle = 0.5 * (low + high);
        if slowdown(servers, middle) < SLOWDOWN { low = middle } else { high = middle }
    }
    low
}

/// Response time over service time.
fn slowdown(servers: f64, utilisation: f64) -> f64 {
    let offered = servers * utilisation;
    // Erlang's loss formula by its recursion, which stays between 0 and 1.
    let loss = (1..=servers as u32).fold(1.0, |loss, server| offered * loss / (f64::from(server) + offered * loss));
    let delay = loss / (1.0 - utilisation * (1.0 - loss));
    1.0 + delay / (servers * (1.0 - utilisation))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knees_are_those_of_the_formula() {
        // M/M/1: 1 / (1 − ρ) = 2 at ρ = 1/2. M/M/2: 1 / (1 − ρ²) = 2 at ρ = √½.
        assert!((knee(1.0) - 0.5).abs() < 1e-9);
        assert!((knee(2.0) - 0.5_f64.sqrt()).abs() < 1e-9);
        let knees: Vec<f64> = [1.0, 2.0, 4.0, 8.0, 16.0, 64.0, 1e9].into_iter().map(knee).collect();
        assert!(knees.is_sorted() && knees.iter().all(|knee| (0.5 - 1e-9..1.0).contains(knee)), "{knees:?}");
        assert_eq!(knee(f64::NAN), knee(1.0));
        assert_eq!(knee(-3.0), knee(1.0));
    }
}
