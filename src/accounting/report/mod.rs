//! The books as a command prints them: a table for people, or JSON in which every number is an exact text.
//!
//! Each writer says whether what it wrote is as it should be: the command's exit code goes by it. [`table`] lays out columns,
//! [`shown`] has what all of them share.

pub mod dead_letters;
pub mod lag;
pub mod positions;
pub mod proof;
pub mod shown;
pub mod table;
pub mod trial_balance;
