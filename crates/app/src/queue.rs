//! Work that waits in a table, and the places in which a node carries it out.

use std::sync::Arc;

use tokio::sync::broadcast::error::{RecvError, TryRecvError};
use tokio::sync::{broadcast, watch};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::worker::{NAP, stopped};
use crate::{App, Result};

/// Pieces under way at once on one node: a call that hangs for its whole timeout holds one place, and keeps nobody else's
/// message or payment waiting (hazards A14, A27).
const PLACES: usize = 16;
/// What a lease is worth waiting for while every free place could be filled: one statement for several pieces.
const WORTH_A_LEASE: usize = PLACES / 4;

/// Work that waits in a table. Taking it leases it, so that no other node takes it meanwhile.
pub(crate) trait Queue: 'static {
    /// Notices of new work name it.
    const TOPIC: &'static str;
    type Piece: Send + Sync + 'static;

    /// Leases at most `room` pieces that are due.
    fn take(app: &App, room: i64) -> impl Future<Output = Result<Vec<Self::Piece>>> + Send;

    /// Carries one out and writes down what came of it.
    fn carry_out(app: &App, piece: &Self::Piece) -> impl Future<Output = ()> + Send;
}

/// Carries out what is due, one piece after the other; answers how many were taken.
pub(crate) async fn run<Q: Queue>(app: &App, room: i64) -> Result<usize> {
    let taken = Q::take(app, room).await?;
    for piece in &taken {
        Q::carry_out(app, piece).await;
    }
    Ok(taken.len())
}

/// Keeps the places filled until told to stop, then waits for what is under way.
pub(crate) async fn work<Q: Queue>(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    let mut notices = app.notices();
    let mut places = JoinSet::new();
    while !*stop.borrow() {
        // What they name is there by now.
        while !matches!(
            notices.try_recv(),
            Err(TryRecvError::Empty | TryRecvError::Closed)
        ) {}
        let more = fill::<Q>(&app, &mut places).await;
        tokio::select! {
            () = stopped(&mut stop) => {}
            () = sleep(NAP) => {}
            () = named(&mut notices, Q::TOPIC), if places.len() < PLACES => {}
            () = freed(&mut places), if more => {}
        }
        while places.try_join_next().is_some() {}
    }
    while places.join_next().await.is_some() {}
}

/// Fills the free places with what is due; answers whether more may be.
async fn fill<Q: Queue>(app: &Arc<App>, places: &mut JoinSet<()>) -> bool {
    let room = PLACES - places.len();
    if room == 0 {
        return true;
    }
    let taken = match Q::take(app, room.try_into().unwrap_or(i64::MAX)).await {
        Ok(taken) => taken,
        Err(error) => {
            tracing::warn!("the {} has to wait: {error}", Q::TOPIC);
            return false;
        }
    };
    let more = taken.len() == room;
    for piece in taken {
        let app = app.clone();
        places.spawn(async move { Q::carry_out(&app, &piece).await });
    }
    more
}

/// Waits until so many places are free that a lease is worth its statement.
async fn freed(places: &mut JoinSet<()>) {
    while PLACES - places.len() < WORTH_A_LEASE && places.join_next().await.is_some() {}
}

/// Waits for a notice with the topic. One that was missed is as good as one that came.
async fn named(notices: &mut broadcast::Receiver<remit_store::Notice>, topic: &str) {
    loop {
        match notices.recv().await {
            Ok(notice) if notice.topics.iter().any(|known| known == topic) => return,
            Ok(_) => {}
            Err(RecvError::Lagged(_)) => return,
            Err(RecvError::Closed) => return std::future::pending().await,
        }
    }
}
