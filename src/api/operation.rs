//! An operation of the API: what it is called, who may use it, what it takes and answers.
//!
//! Each resource describes its operations beside their handlers; the [`router`](super::router) takes a handler only
//! together with its operation. So there is no route without roles and none that the OpenAPI document does not have:
//! authorization, the document and the test of every operation by every role are made of the same values.

use std::borrow::Cow;

use utoipa::{
    PartialSchema, ToSchema,
    openapi::{RefOr, schema::Schema},
};

use crate::access::role::{Role, Roles};

/// Read or command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Changes nothing.
    Get,
    /// A command, or a question with a body.
    Post,
}

impl Verb {
    /// As it stands in a request line.
    pub const fn as_str(self) -> &'static str {
        match self {
            Verb::Get => "GET",
            Verb::Post => "POST",
        }
    }
}

/// Whether an `Idempotency-Key` comes with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// None is looked at.
    Unused,
    /// May be given: then a retry gets the first answer.
    Optional,
    /// Has to be given: money moves once per key.
    Required,
    /// Has to be given unless the body says that it is a trial.
    UnlessTrial,
}

/// A schema of the document, made of a type.
#[derive(Clone, Copy)]
pub struct Shape {
    /// Its name among the components.
    pub name: fn() -> Cow<'static, str>,
    /// Itself.
    pub schema: fn() -> RefOr<Schema>,
    /// All that it refers to.
    pub nested: fn(&mut Vec<(String, RefOr<Schema>)>),
}

impl Shape {
    /// The shape of a type.
    pub const fn of<T: ToSchema>() -> Self {
        Self { name: T::name, schema: <T as PartialSchema>::schema, nested: T::schemas }
    }
}

impl std::fmt::Debug for Shape {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&(self.name)())
    }
}

/// A body with an example of it, as JSON.
#[derive(Clone, Copy, Debug)]
pub struct Described {
    /// Its schema.
    pub shape: Shape,
    /// One that is good.
    pub example: &'static str,
}

/// A parameter of the path or the query, or a header.
#[derive(Clone, Copy, Debug)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// Its schema.
    pub shape: Shape,
    /// One that is good.
    pub example: &'static str,
}

/// What an operation is.
#[derive(Clone, Copy, Debug)]
pub struct Operation {
    /// Its name: the resource and what is done, such as `exchanges.create`.
    pub id: &'static str,
    /// Read or command.
    pub verb: Verb,
    /// Where, below `/v1`.
    pub path: &'static str,
    /// Who may.
    pub roles: Roles,
    /// What it does, in a line.
    pub summary: &'static str,
    /// What else there is to know; may be empty.
    pub notes: &'static str,
    /// Whether a key comes with it.
    pub key: KeyRule,
    /// What its path names.
    pub named: Option<Parameter>,
    /// What its query may say.
    pub query: &'static [Parameter],
    /// Whether it is noted in the audit trail when it is done: what only some may do.
    pub is_privileged: bool,
    /// Whether `If-Match` is judged.
    pub is_conditional: bool,
    /// Whether the answer has an ETag, and `If-None-Match` is judged.
    pub is_tagged: bool,
    /// The body that it takes.
    pub body: Option<Described>,
    /// The status of its good answer.
    pub status: u16,
    /// Its good answer.
    pub answer: Described,
    /// The type of its good answer.
    pub media: &'static str,
    /// Whether the good answer is also given as CSV, to who asks for it.
    pub offers_csv: bool,
    /// The answer to a trial, under 200.
    pub trial: Option<Described>,
    /// The answer where there was nothing to do, under 200.
    pub nothing: Option<Described>,
    /// The statuses of its refusals, beside those that every operation has.
    pub refusals: &'static [u16],
}

impl Operation {
    /// What most reads have in common.
    pub const fn read(id: &'static str, path: &'static str, summary: &'static str, answer: Described) -> Self {
        Self {
            id,
            verb: Verb::Get,
            path,
            roles: READERS,
            summary,
            notes: "",
            key: KeyRule::Unused,
            named: None,
            query: &[],
            is_privileged: false,
            is_conditional: false,
            is_tagged: false,
            body: None,
            status: 200,
            answer,
            media: "application/json",
            offers_csv: false,
            trial: None,
            nothing: None,
            refusals: &[],
        }
    }

    /// What most commands have in common; nobody may, until roles are given.
    pub const fn command(
        id: &'static str,
        path: &'static str,
        summary: &'static str,
        body: Described,
        answer: Described,
    ) -> Self {
        Self {
            verb: Verb::Post,
            roles: Roles::NONE,
            body: Some(body),
            status: 201,
            refusals: &[404, 409, 422, 423],
            key: KeyRule::Optional,
            ..Self::read(id, path, summary, answer)
        }
    }
}

/// Who may read what belongs to customers; a channel its own.
pub const READERS: Roles = Roles::of(&[Role::CustomerChannel, Role::Teller, Role::Ops, Role::Auditor, Role::Approver]);

/// Who moves customers' money.
pub const MONEY: Roles = Roles::of(&[Role::CustomerChannel, Role::Teller]);

/// Who reads the bank's own books.
pub const BOOKS: Roles = Roles::of(&[Role::Ops, Role::Auditor, Role::Approver, Role::Treasury]);
