//! `s6-expr`: calculating with whole numbers.

use super::call::{Call, Failure, Outcome};
use super::stream;
use crate::complain::FAILED;
use std::ffi::OsString;

/// No expression, or no value of it.
const INVALID: u8 = 2;

/// What stands between two numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Or,
    And,
    Equal,
    Unequal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Plus,
    Minus,
    Times,
    Divide,
    Remainder,
}

impl Operator {
    fn of(word: &str) -> Option<Self> {
        Some(match word {
            "|" => Self::Or,
            "&" => Self::And,
            "=" => Self::Equal,
            "!=" => Self::Unequal,
            "<" => Self::Less,
            "<=" => Self::LessOrEqual,
            ">" => Self::Greater,
            ">=" => Self::GreaterOrEqual,
            "+" => Self::Plus,
            "-" => Self::Minus,
            "*" => Self::Times,
            "/" => Self::Divide,
            "%" => Self::Remainder,
            _ => return None,
        })
    }

    /// What has more binds its operands before what has less; what has as much, from the left.
    fn strength(self) -> u8 {
        match self {
            Self::Or => 1,
            Self::And => 2,
            Self::Equal
            | Self::Unequal
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual => 3,
            Self::Plus | Self::Minus => 4,
            Self::Times | Self::Divide | Self::Remainder => 5,
        }
    }

    /// A value is absent where something was divided by zero; that matters only if it is looked at.
    fn apply(self, one: Option<i64>, other: Option<i64>) -> Option<i64> {
        let one = one?;
        match self {
            Self::Or if one != 0 => return Some(one),
            Self::And if one == 0 => return Some(0),
            Self::Or
            | Self::And
            | Self::Equal
            | Self::Unequal
            | Self::Less
            | Self::LessOrEqual
            | Self::Greater
            | Self::GreaterOrEqual
            | Self::Plus
            | Self::Minus
            | Self::Times
            | Self::Divide
            | Self::Remainder => {}
        }
        let other = other?;
        Some(match self {
            Self::Or => other,
            Self::And => {
                if other == 0 {
                    0
                } else {
                    one
                }
            }
            Self::Equal => (one == other).into(),
            Self::Unequal => (one != other).into(),
            Self::Less => (one < other).into(),
            Self::LessOrEqual => (one <= other).into(),
            Self::Greater => (one > other).into(),
            Self::GreaterOrEqual => (one >= other).into(),
            Self::Plus => one.wrapping_add(other),
            Self::Minus => one.wrapping_sub(other),
            Self::Times => one.wrapping_mul(other),
            Self::Divide if other == 0 => return None,
            Self::Divide => one.wrapping_div(other),
            Self::Remainder if other == 0 => return None,
            Self::Remainder => one.wrapping_rem(other),
        })
    }
}

/// `s6-expr arithmetic expression`: prints the value, and fails if it is zero.
pub(super) fn expr(call: Call) -> Outcome {
    if call.args.is_empty() {
        return Ok(INVALID);
    }
    let invalid = |text: &str| Failure::Fatal(text.to_owned(), INVALID);
    let value = evaluate(&call.args).ok_or_else(|| invalid("invalid expression"))?;
    let value = value.ok_or_else(|| invalid("division by zero"))?;
    stream::print(&[value.to_string().as_bytes(), b"\n"])?;
    Ok(if value == 0 { FAILED } else { 0 })
}

/// The value of an expression, if it is one and has one. Without recursion: an expression may be as
/// deep as it is long.
fn evaluate(words: &[OsString]) -> Option<Option<i64>> {
    let mut values: Vec<Option<i64>> = Vec::new();
    // An absent operator is an open parenthesis.
    let mut waiting: Vec<Option<Operator>> = Vec::new();
    let mut wants_value = true;
    for word in words {
        let word = word.to_str()?;
        match (word, wants_value) {
            ("(", true) => waiting.push(None),
            (number, true) => {
                values.push(Some(number.parse().ok()?));
                wants_value = false;
            }
            (")", false) => {
                reduce(&mut values, &mut waiting, 0)?;
                // The parenthesis that this one closes.
                waiting.pop()?;
            }
            (operator, false) => {
                let operator = Operator::of(operator)?;
                reduce(&mut values, &mut waiting, operator.strength())?;
                waiting.push(Some(operator));
                wants_value = true;
            }
        }
    }
    reduce(&mut values, &mut waiting, 0)?;
    let is_whole = !wants_value && waiting.is_empty();
    values.pop().filter(|_| is_whole)
}

/// Applies what is waiting, back to a parenthesis or to what binds less than `strength`.
fn reduce(
    values: &mut Vec<Option<i64>>,
    waiting: &mut Vec<Option<Operator>>,
    strength: u8,
) -> Option<()> {
    while let Some(Some(operator)) = waiting.last().copied() {
        if operator.strength() < strength {
            break;
        }
        waiting.pop();
        let other = values.pop()?;
        let one = values.pop()?;
        values.push(operator.apply(one, other));
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(expression: &str) -> Option<Option<i64>> {
        let words: Vec<OsString> = expression.split(' ').map(Into::into).collect();
        evaluate(&words)
    }

    #[test]
    fn operators_bind_as_those_of_expr() {
        for (expression, wanted) in [
            ("1 + 2 * 3", 7),
            ("( 1 + 2 ) * 3", 9),
            ("10 - 3 - 2", 5),
            ("7 / -2", -3),
            ("-7 % 2", -1),
            ("+5", 5),
            ("1 + 1 = 2 & 3", 1),
            ("0 | 4 & 0", 0),
            ("0 | 7", 7),
            ("3 | 1 / 0", 3),
            ("0 & 1 / 0", 0),
            ("1 < 2 < 1", 0),
            ("3 >= 3", 1),
        ] {
            assert_eq!(value(expression), Some(Some(wanted)), "{expression}");
        }
        assert_eq!(value("1 / 0"), Some(None));
        assert_eq!(value("1 & 1 % 0"), Some(None));
    }

    #[test]
    fn what_is_no_expression_has_no_value() {
        for wrong in [
            "",
            "a",
            "1 2",
            "1 +",
            "+ 1",
            "( 1",
            "1 )",
            "( )",
            "( 1 ) (",
            "1 + * 2",
            "1.5",
            "99999999999999999999",
        ] {
            assert_eq!(value(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn depth_is_no_problem() {
        let deep = format!("{}1{}", "( ".repeat(100_000), " )".repeat(100_000));
        assert_eq!(value(&deep), Some(Some(1)));
    }
}
