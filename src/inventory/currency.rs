//! Currencies and how finely they are divided.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::document::excerpt;

/// The codes of ISO 4217 (list one, of 2026) whose amounts have two decimals, and some that ended lately and still stand in old bills.
const TWO_DECIMALS: &str = "AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE \
    CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR \
    JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD \
    PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS \
    UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG";
/// Those without a smaller unit.
const NO_DECIMALS: &str = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF";
/// Those that are divided by a thousand.
const THREE_DECIMALS: &str = "BHD IQD JOD KWD LYD OMR TND";
/// Units of account with four.
const FOUR_DECIMALS: &str = "CLF UYW";

/// A currency by its ISO 4217 code; in documents `"EUR"`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro, for examples and as a default.
    pub const EUR: Self = Self(*b"EUR");

    /// The code: three capital letters.
    pub fn code(&self) -> &str {
        // Only known codes are ever made, and those are ASCII.
        str::from_utf8(&self.0).unwrap_or("???")
    }

    /// Decimals of an amount: 2 where a minor unit is a hundredth, as the cent is of the euro.
    pub fn minor_digits(&self) -> u32 {
        digits_of(self.code()).unwrap_or(2)
    }
}

fn digits_of(code: &str) -> Option<u32> {
    let lists = [(TWO_DECIMALS, 2), (NO_DECIMALS, 0), (THREE_DECIMALS, 3), (FOUR_DECIMALS, 4)];
    lists.into_iter().find(|(list, _)| list.split_ascii_whitespace().any(|known| known == code)).map(|(_, digits)| digits)
}

impl FromStr for Currency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let known = digits_of(text).and_then(|_| <[u8; 3]>::try_from(text.as_bytes()).ok());
        known.map(Self).ok_or_else(|| {
            let capitals = text.trim().to_ascii_uppercase();
            let hint = if digits_of(&capitals).is_some() { capitals.as_str() } else { "EUR, USD or CHF" };
            format!("`{}` is no currency; write a code of ISO 4217 such as {hint}", excerpt(text))
        })
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl Serialize for Currency {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

impl<'de> Deserialize<'de> for Currency {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_and_divided() {
        for (code, digits) in [("EUR", 2), ("JPY", 0), ("KWD", 3), ("CLF", 4), ("USD", 2)] {
            let currency: Currency = code.parse().unwrap();
            assert_eq!((currency.code(), currency.minor_digits()), (code, digits));
            assert_eq!(serde_json::to_value(currency).unwrap(), code);
            assert_eq!(serde_json::from_value::<Currency>(code.into()).unwrap(), currency);
        }
    }

    #[test]
    fn what_is_no_currency_is_said_with_an_example() {
        for wrong in ["", "E", "EURO", "XXX", "Eur ", "€", "EU R"] {
            assert!(wrong.parse::<Currency>().unwrap_err().contains("ISO 4217"), "{wrong}");
        }
        assert!("eur".parse::<Currency>().unwrap_err().ends_with("such as EUR"));
    }

    #[test]
    fn no_code_stands_in_two_lists() {
        let all = [TWO_DECIMALS, NO_DECIMALS, THREE_DECIMALS, FOUR_DECIMALS].join(" ");
        let mut codes: Vec<&str> = all.split_ascii_whitespace().collect();
        let length = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), length);
        assert!(codes.iter().all(|code| code.len() == 3 && code.bytes().all(|byte| byte.is_ascii_uppercase())));
    }
}
