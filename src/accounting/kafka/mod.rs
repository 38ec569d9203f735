//! The books from Kafka: a member of a group of consumers that posts what the lanes' partitions bring.
//!
//! A partition is a lane. Where to go on in it says the cursor of the books, not Kafka: the offset was written in the transaction
//! of the effect, so that a death between the two leaves nothing out and nothing twice. What Kafka is told of offsets is for
//! people and their tools. Where Kafka gives a lane to another member, the fence of the books' cursor keeps two from posting it.
//!
//! | room | what it is |
//! |---|---|
//! | [`consumer`] | the loop: polls, posts, pauses a lane that stopped or whose books are away |
//! | `dead_letters` | what could not be posted, as messages of a topic of its own |

pub mod consumer;
mod dead_letters;
