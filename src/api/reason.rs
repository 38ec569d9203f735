//! A reason, where one has to be given: it stands in the journal for good.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use super::{
    problem::{ApiCode, Problem},
    wire::Text,
};

/// The longest reason, in characters.
const LEN_MAX: usize = 200;

/// A reason, as the document describes it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ReasonText;

impl PartialSchema for ReasonText {
    fn schema() -> RefOr<Schema> {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some("Why: no person's name, it stands in the journal for good"))
            .min_length(Some(1))
            .examples([serde_json::Value::from("wrong rate")])
            .into()
    }
}

impl ToSchema for ReasonText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Reason")
    }
}

/// The reason in `reason`.
pub(super) fn reason(text: &Text<'_>) -> Result<Box<str>, Problem> {
    let reason = text.as_str().trim();
    let length = reason.chars().count();
    if !(1..=LEN_MAX).contains(&length) || reason.chars().any(char::is_control) {
        let detail = format!("a reason has 1 to {LEN_MAX} characters, none of them a control character");
        return Err(Problem::at(ApiCode::OutOfRange, "reason", detail));
    }
    Ok(reason.into())
}
