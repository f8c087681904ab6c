//! Macros for numbers on the wire that have names, so that each number is written down once.
//!
//! [`coded_enum`] is for closed sets: other numbers are refused. [`named_codes`] is for open sets, to which vendors
//! add: any number is a value, and the known ones have a text. [`word_register`] is for registers of 16 flags.

/// An enum whose variants are codes on the wire, and `from_code`, which finds the variant of a code.
macro_rules! coded_enum {
    (
        $(#[$about:meta])*
        pub enum $name:ident: $code:ident {
            $($(#[$meaning:meta])* $variant:ident = $value:literal,)+
        }
    ) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        #[repr($code)]
        pub enum $name {
            $($(#[$meaning])* $variant = $value,)+
        }

        impl $name {
            /// The variant with this code.
            ///
            /// # Errors
            /// `BadValue` for a code that is reserved.
            pub const fn from_code(code: $code) -> Result<Self, $crate::WireError> {
                Ok(match code {
                    $($value => Self::$variant,)+
                    other => return Err($crate::WireError::BadValue(other as u32)),
                })
            }
        }
    };
}

/// Names and texts of the known values of a code, and its display, `0x001b: text` with this many digits. The arms
/// behind the number of digits give a text to all other values.
macro_rules! named_codes {
    (
        $name:ident, $digits:literal, $($others:pat => $other_text:literal),+;
        $($code_name:ident = $code:literal, $text:literal;)*
    ) => {
        impl $name {
            $(#[doc = $text] pub const $code_name: Self = Self($code);)*

            /// Every code that has a text of its own.
            pub const KNOWN: &'static [Self] = &[$(Self::$code_name,)*];

            /// The code in words.
            #[must_use]
            pub const fn text(self) -> &'static str {
                match self.0 {
                    $($code => $text,)*
                    $($others => $other_text,)+
                }
            }
        }

        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                // Two characters of the width are `0x`.
                write!(f, "{:#0width$x}: {}", self.0, self.text(), width = $digits + 2)
            }
        }
    };
}

/// Reading and writing of a register whose 16 bits are kept as they stand.
macro_rules! word_register {
    ($name:ident) => {
        impl $name {
            /// Reads the register.
            ///
            /// # Errors
            /// `Truncated` below 2 bytes.
            pub fn parse(bytes: &[u8]) -> Result<Self, $crate::WireError> {
                $crate::field::u16_at(bytes, 0).map(Self)
            }

            /// The register's 2 bytes.
            #[must_use]
            pub const fn emit(self) -> [u8; 2] {
                self.0.to_le_bytes()
            }

            /// Whether one of these bits is set.
            const fn any(self, bits: u16) -> bool {
                self.0 & bits != 0
            }
        }
    };
}

pub(crate) use {coded_enum, named_codes, word_register};
