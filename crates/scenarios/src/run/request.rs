//! A planned call becomes a request, once the values that it refers to are known.

use super::{target::Outgoing, values::Values};
use crate::language::{CallPlan, PlannedBody, PlannedKey, Template, key_text};

/// The largest body that a scenario may build by repeating a text, in bytes.
const BODY_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The request, or which value is missing.
pub(super) fn outgoing(plan: &CallPlan, values: &Values) -> Result<Outgoing, String> {
    let texts = |pairs: &[(String, Template)]| -> Result<Vec<(String, String)>, String> {
        pairs.iter().map(|(name, value)| Ok((name.clone(), values.text(value)?))).collect()
    };
    let query = plan.query.iter().map(|(name, value)| Ok((*name, values.text(value)?)));
    let body = match &plan.body {
        PlannedBody::Nothing => None,
        PlannedBody::Json(template) => Some(values.resolve(template)?.to_string().into_bytes()),
        PlannedBody::Text(template, times) => {
            let text = values.text(template)?;
            if text.len().saturating_mul(*times) > BODY_BYTES_MAX {
                return Err(format!("the body would have more than {BODY_BYTES_MAX} bytes"));
            }
            Some(text.repeat(*times).into_bytes())
        }
    };
    let key = match &plan.key {
        PlannedKey::Without => None,
        PlannedKey::Fresh => Some(values.key(None)),
        PlannedKey::Named(name) => Some(values.text(&key_text(name.clone()))?),
    };
    Ok(Outgoing {
        method: plan.method,
        path: values.text(&plan.path)?,
        query: query.collect::<Result<_, String>>()?,
        headers: texts(&plan.headers)?,
        key,
        body,
    })
}
