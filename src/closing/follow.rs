//! Closes by itself, soon after each roll; beside whoever keeps the books.
//!
//! It looks once a second, which costs three small reads. At its start it draws the newest closing up again; before each further one
//! its predecessor. What it meets is said once, not every second: a closing that is damaged stops the closing of days, and nothing
//! else, until an operator has looked.

use std::{sync::Arc, time::Duration};

use hwan_domain::{business_day::BusinessDay, closing::Closing};

use super::closer::{CloseError, Closer};
use crate::{clock::Clock, telemetry::metrics::ClosingMetrics};

/// How often it is looked whether a date can be closed.
const LOOKED_AT_EVERY: Duration = Duration::from_secs(1);

/// Closes for ever.
pub async fn follow(closer: Closer, clock: Arc<dyn Clock>, day: BusinessDay) {
    let metrics = ClosingMetrics::new();
    metrics.is_damaged(false);
    let mut every = tokio::time::interval(LOOKED_AT_EVERY);
    every.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut is_begun, mut newest, mut said) = (false, None, String::new());
    loop {
        every.tick().await;
        let looked = if is_begun { close(&closer, &mut newest).await } else { begin(&closer, &mut newest).await };
        is_begun |= looked.is_ok();
        metrics.is_damaged(matches!(looked, Err(CloseError::Differs { .. })));
        let text = looked.as_ref().err().map(ToString::to_string).unwrap_or_default();
        if text != said {
            tell(&looked);
            said = text;
        }
        if let Some(newest) = &newest {
            let ended = day.begins_at(newest.business_date.next());
            let age = clock.now().micros_since(ended).max(0);
            metrics.closed(newest.business_date.days(), Duration::from_micros(age.unsigned_abs()));
        }
    }
}

async fn begin(closer: &Closer, newest: &mut Option<Closing>) -> Result<(), CloseError> {
    *newest = closer.newest().await?;
    match newest {
        Some(newest) => closer.check(newest).await,
        None => Ok(()),
    }
}

/// Closes every date that can be closed.
async fn close(closer: &Closer, newest: &mut Option<Closing>) -> Result<(), CloseError> {
    while let Some(closing) = closer.close_one().await? {
        *newest = Some(closing);
    }
    Ok(())
}

fn tell(looked: &Result<(), CloseError>) {
    match looked {
        Ok(()) => tracing::info!("business dates are closed again"),
        Err(CloseError::Differs { date, difference }) => tracing::error!(
            business_date = %date,
            %difference,
            "a closed business date has changed: no further one is closed until an operator has looked (docs/business-day.md)"
        ),
        Err(error) => tracing::warn!(%error, "business dates cannot be closed: tried again"),
    }
}
