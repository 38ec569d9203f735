//! The reversal of an exchange at its original numbers: both amounts go back, whatever the rate is now.
//!
//! The account that was credited is debited, the one that was debited is credited; the credit is a compensating one
//! and passes holds and blocks. An exchange is reversed at most once.
