//! The configuration: what the user wrote, and what it means.
//!
//! Values come, later ones winning, from the defaults, the TOML file, environment variables `WATCHROOM_<SECTION>_<KEY>`
//! and flags. [`Settings`] is what was written ([`settings`] holds every key with its default and its reason); `app`
//! resolves it into the values that the modules own. The defaults are also the schema: a key that has no default is
//! unknown, and a value must have its default's type. So every message can say what to write instead.

mod front_door;
mod load;
mod outgoing;
mod settings;
mod site;

pub use front_door::{FrontDoorError, check_front_door};
pub use load::{ConfigError, Overrides, Problem, load};
pub use outgoing::delivery_config;
pub use settings::{
    AccessSettings, CapacitySettings, DataSettings, DeskSettings, DetectSettings, HttpSettings, LogSettings, QuerySettings, Settings,
    SiteSettings, SyslogSettings, TableSettings, WalSettings,
};
pub use site::{SiteError, parse_site};
