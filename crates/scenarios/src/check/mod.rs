//! What is judged: an answer against its expectation, and after every scenario the common ground.
//!
//! | file | what it judges |
//! |---|---|
//! | `answer.rs` | one answer against `expect` |
//! | `matching.rs` | one value against what it must be |
//! | `view.rs` | nothing: it shows an answer the way `expect` names its fields |
//! | `acknowledged.rs` | that what was acknowledged is balanced and at its rate |
//! | `ground.rs` | balances, passbooks and conservation, against what was acknowledged |

mod acknowledged;
mod answer;
mod ground;
mod matching;
mod view;

pub(crate) use acknowledged::Acknowledged;
pub(crate) use answer::{Failure, count_outcomes, judge, judge_fields};
pub(crate) use ground::{AccountEnd, Household, judge_ground};
pub(crate) use view::balances;
