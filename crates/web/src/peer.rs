//! Who is at the other end, as far as it can be known, and a cheap cap on what one of them may try.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::ConnectInfo;
use axum::http::Extensions;
use axum::http::HeaderMap;

/// The address a request comes from: the connection's, or what a trusted proxy says (ASVS 4.1.3).
pub fn address(headers: &HeaderMap, extensions: &Extensions, trusted: &[IpAddr]) -> IpAddr {
    let connected = extensions.get::<ConnectInfo<SocketAddr>>();
    let peer = connected.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |info| info.0.ip());
    if !trusted.contains(&peer) {
        return peer;
    }
    // The last entry is what our own proxy added; what stands before it anybody could have written.
    let forwarded = headers
        .get("x-forwarded-for")
        .and_then(|value| value.to_str().ok());
    forwarded
        .and_then(|list| list.rsplit(',').next())
        .and_then(|last| last.trim().parse().ok())
        .unwrap_or(peer)
}

const WINDOW: Duration = Duration::from_secs(60);
/// Unknown link addresses a minute from one network address: a person mistypes, a guesser tries thousands (hazard B10).
const MISSES_MAX: u32 = 30;
/// Network addresses remembered at once; the oldest window is dropped beyond it.
const PEERS_MAX: usize = 50_000;

/// Counts misses per network address on this node.
#[derive(Default)]
pub struct Limiter(Mutex<HashMap<IpAddr, (Instant, u32)>>);

impl Limiter {
    /// Whether this address has used up its misses.
    pub fn is_over(&self, peer: IpAddr) -> bool {
        let seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        seen.get(&peer)
            .is_some_and(|(since, misses)| since.elapsed() < WINDOW && *misses >= MISSES_MAX)
    }

    /// Counts a miss.
    pub fn miss(&self, peer: IpAddr) {
        let mut seen = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if seen.len() >= PEERS_MAX {
            seen.retain(|_, (since, _)| since.elapsed() < WINDOW);
        }
        let entry = seen.entry(peer).or_insert((Instant::now(), 0));
        *entry = if entry.0.elapsed() < WINDOW {
            (entry.0, entry.1 + 1)
        } else {
            (Instant::now(), 1)
        };
    }
}
