//! Questions to nodes of other processes: a request on the node's own subject, and its answer.
//!
//! No stream keeps them. A node that is not there is told by the server at once; one that hangs, by the limit.

use std::sync::Arc;
use std::time::Duration;

use async_nats::client::Request;
use bytes::Bytes;
use futures_core::future::BoxFuture;
use futures_util::StreamExt;
use seawall_base::NodeName;
use tokio::sync::watch;
use tokio::time::sleep;

use super::NatsOptions;
use super::link::Link;
use crate::follower::RETRY_AFTER;
use crate::log::RECORD_MAX_BYTES;
use crate::membership::Members;
use crate::survey::Far;

fn subject(options: &NatsOptions, node: &NodeName) -> String {
    format!("seawall.{}.ask.{node}", options.name)
}

/// How questions leave this process.
pub(super) struct Caller {
    pub(super) link: Link,
    pub(super) options: Arc<NatsOptions>,
}

impl Far for Caller {
    fn ask(&self, node: &NodeName, question: Bytes, limit: Duration) -> BoxFuture<'_, Option<Bytes>> {
        let subject = subject(&self.options, node);
        Box::pin(async move {
            let request = Request::new().payload(question).timeout(Some(limit));
            match self.link.client.send_request(subject, request).await {
                Ok(answer) => Some(answer.payload),
                Err(error) => {
                    tracing::debug!(%error, "a node did not answer");
                    None
                }
            }
        })
    }
}

/// Answers for one node of this process, one question at a time, until it stops.
pub(super) async fn answer(
    link: Link,
    options: Arc<NatsOptions>,
    members: Members,
    node: NodeName,
    mut stop: watch::Receiver<bool>,
) {
    let own = subject(&options, &node);
    tokio::select! {
        biased;
        _ = stop.wait_for(|stop| *stop) => {}
        () = answer_all(&link, &own, &members, &node) => {}
    }
}

async fn answer_all(link: &Link, subject: &str, members: &Members, node: &NodeName) {
    loop {
        // The library subscribes anew after a lost connection; it ends only with the client.
        if let Ok(mut questions) = link.client.subscribe(subject.to_owned()).await {
            while let Some(question) = questions.next().await {
                let Some(reply) = question.reply else { continue };
                if question.payload.len() > RECORD_MAX_BYTES {
                    continue;
                }
                if let Some(answer) = members.answer(node, &question.payload).await
                    && let Err(error) = link.client.publish(reply, Bytes::from(answer)).await
                {
                    tracing::debug!(%error, "an answer to another node was lost");
                }
            }
        }
        sleep(RETRY_AFTER).await;
    }
}
