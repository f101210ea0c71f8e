//! Enums that are `{"kind": ...}` for people and plain variants for machines.
//!
//! serde reads an internally tagged enum only from a self-describing format. A Plan is JSON for
//! `explain` and postcard between processes, so these enums have both forms and choose by
//! [`is_human_readable`](serde::Serializer::is_human_readable).

/// Defines an enum with a tagged form in readable formats and the default form in binary ones.
macro_rules! tagged_enum {
    (
        #[serde($($tag:tt)*)]
        $(#[$meta:meta])*
        pub enum $name:ident { $($body:tt)* }
    ) => {
        $(#[$meta])*
        pub enum $name { $($body)* }

        const _: () = {
            #[derive(serde::Serialize, serde::Deserialize)]
            #[serde(
                remote = "Original",
                rename_all = "camelCase",
                rename_all_fields = "camelCase",
                $($tag)*
            )]
            #[allow(dead_code, reason = "serde builds the original through its remote twin")]
            enum Readable { $($body)* }

            #[derive(serde::Serialize, serde::Deserialize)]
            #[serde(remote = "Original")]
            #[allow(dead_code, reason = "serde builds the original through its remote twin")]
            enum Binary { $($body)* }

            use $name as Original;

            impl serde::Serialize for Original {
                fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                    if serializer.is_human_readable() {
                        Readable::serialize(self, serializer)
                    } else {
                        Binary::serialize(self, serializer)
                    }
                }
            }

            impl<'de> serde::Deserialize<'de> for Original {
                fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                    if deserializer.is_human_readable() {
                        Readable::deserialize(deserializer)
                    } else {
                        Binary::deserialize(deserializer)
                    }
                }
            }
        };
    };
}

pub(crate) use tagged_enum;
