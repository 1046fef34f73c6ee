//! Log templates: which statement of a program wrote this line, and what its values are.
//!
//! # The life of a line here
//! 1. `scan` cuts the bytes into words, values and marks in one pass, by rules about one token and its neighbours that
//!    are the same for every system (`word`, `quote`). No regular expression, no allocation.
//! 2. [`skeleton_id`] hashes the words in order, with neighbouring values as one and without marks. That needs no state:
//!    parse workers do it in parallel ([`Skeletons`] collects a batch).
//! 3. [`Miner`] looks the hash up. A hash that it knows costs one look into a map. One that it does not know belongs to a
//!    generalised template (`tree`) or makes a new template.
//! 4. From time to time the miner settles (`generalise`): templates that differ in one place only become one if what
//!    stands there looks like an open set of values, and stay apart if it looks like a handful of events. The ids that this
//!    joins become aliases of the new one (`alias`).
//! 5. [`Novelty`] says how surprising a template is that was never seen. Rates and silences are questions in SQL over
//!    `template_id` (the rules `log_rate_anomaly` and `log_template_silent`).
//!
//! # Which id is stored with a line
//! The one that [`Skeletons::learn`] or [`Miner::learn`] gives when the line comes in. A stored id never has to change:
//! * It is the hash of the template's own elements, so the same template has the same id on every machine, in every source
//!   and after every restart, whatever the order of the lines.
//! * When the template is generalised later, the stored id becomes an alias. [`Miner::aliases`] and [`Miner::templates`] make
//!   a small table (id, canonical id, text, lines), and a query joins `template_id` to it to read id and text as they stand
//!   today. The SQL function `log_template(message)` is [`skeleton_template`], which needs no miner: what the line alone tells.
//! * As a signed 64-bit column it is the same bits; [`TemplateId::OVERFLOW`] is −1 there.
//!
//! A parse worker needs the miner of a line's source only once a batch, for the few dozen skeletons of the batch and not
//! for its lines, so one lock a source does.
//!
//! # Invariants
//! * The same bytes and the same earlier lines give the same ids: there is no clock and no chance in here.
//! * `canonical(canonical(id)) == canonical(id)`, and a line that is learned again gets what its first id stands for.
//! * A miner restored from its bytes goes on exactly as the one that was saved.
//! * At most [`MAX_TEMPLATES`] templates, 65,536 aliases, 65,536 known skeletons and some 400,000 pieces of text a source,
//!   whatever comes. When all templates are in use, new lines get [`TemplateId::OVERFLOW`]; those that are out of use go,
//!   the least recently used first.
//! * No input makes it fail or panic: any bytes are a line.

mod alias;
mod batch;
mod bytes;
mod codec;
mod cue;
mod file;
mod generalise;
mod identity;
mod known_hash;
mod miner;
mod novelty;
mod quote;
mod render;
mod scan;
mod skeleton;
mod tree;
mod word;

pub use batch::Skeletons;
pub use bytes::DecodeError;
pub use file::mine_lines;
pub use identity::skeleton_id;
pub use miner::{MAX_TEMPLATES, Miner, TemplateId};
pub use novelty::{NewTemplate, Novelty, WARM_UP_SECONDS};
pub use render::{WILDCARD, skeleton_template};
