//! All codes, as the document describes them.

use std::borrow::Cow;

use hwan_domain::rejection::Code;
use utoipa::{
    PartialSchema, ToSchema,
    openapi::{
        RefOr,
        schema::{ObjectBuilder, Schema, Type},
    },
};

use crate::api::code::{ApiCode, status_of};

/// A stable code.
#[derive(Clone, Copy, Debug)]
pub struct CodeText;

impl PartialSchema for CodeText {
    fn schema() -> RefOr<Schema> {
        let codes = listed().map(|code| code.text);
        ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(codes))
            .description(Some("A stable code; the responses say which status has which codes, and what they mean"))
            .into()
    }
}

impl ToSchema for CodeText {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed("Code")
    }
}

/// A code as it is listed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listed {
    pub(super) text: &'static str,
    pub(super) status: u16,
    pub(super) meaning: &'static str,
}

/// Every code: those of the API, then the rejections in order of precedence.
pub(super) fn listed() -> impl Iterator<Item = Listed> {
    let api = ApiCode::ALL.iter().map(|code| Listed {
        text: code.as_str(),
        status: code.status().as_u16(),
        meaning: code.title(),
    });
    let rejections = Code::ALL.iter().map(|code| Listed {
        text: code.as_str(),
        status: status_of(*code).as_u16(),
        meaning: code.meaning(),
    });
    api.chain(rejections)
}
