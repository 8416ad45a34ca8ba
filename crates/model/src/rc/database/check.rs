//! The rules that a database keeps, for those that are read from bytes: whoever asks it later must
//! not have to wonder.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, IMPLICIT, Service};
use crate::rc::sources::reserved_prefix;

/// What a database must not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// A name that is empty, two names that are the same, or one that s6-rc keeps for itself.
    #[error("the name {0:?} is there twice, or cannot be there")]
    Name(String),
    /// Services, or numbers in a list, are not in order.
    #[error("what it says of {0} is not in order")]
    Order(String),
    /// A number means no service, or none that it may mean there.
    #[error("it says that {name} leads to number {number}, which it cannot")]
    Number {
        /// The service or bundle.
        name: String,
        /// The number.
        number: usize,
    },
    /// A producer does not need its consumer.
    #[error("{0} writes to a longrun that it does not need")]
    Pipe(String),
    /// A service needs itself.
    #[error("{0} needs itself")]
    Cycle(String),
    /// A word of a command line has a NUL in it.
    #[error("a word of {0} has a NUL in it")]
    Word(String),
}

/// Whether these services and bundles, s6-rc's own longruns not yet among them, make a database.
pub(super) fn check(
    services: &[Service],
    bundles: &BTreeMap<String, Vec<usize>>,
) -> Result<(), Fault> {
    let mut names = BTreeSet::new();
    let all = services.iter().map(|service| &service.name);
    for name in all.chain(bundles.keys()) {
        let is_name = !name.is_empty() && !name.contains(['\0', '\n']);
        if !is_name || reserved_prefix(name).is_some() || !names.insert(name) {
            return Err(Fault::Name(name.clone()));
        }
    }
    let rank = |service: &Service| (service.action.is_oneshot(), service.name.clone());
    for (one, other) in services.iter().zip(services.iter().skip(1)) {
        if rank(one) >= rank(other) {
            return Err(Fault::Order(other.name.clone()));
        }
    }
    let longruns = services
        .iter()
        .filter(|service| !service.action.is_oneshot())
        .count();
    for service in services {
        check_numbers(&service.name, &service.needs, services.len())?;
        check_action(service, longruns)?;
    }
    for (name, contents) in bundles {
        check_numbers(name, contents, services.len())?;
    }
    check_cycles(services)
}

/// A list of numbers of services, each greater than the one before.
fn check_numbers(name: &str, numbers: &[usize], count: usize) -> Result<(), Fault> {
    let is_service = |number: &usize| (IMPLICIT.len()..IMPLICIT.len() + count).contains(number);
    if let Some(number) = numbers.iter().find(|number| !is_service(number)) {
        return Err(Fault::Number {
            name: name.to_owned(),
            number: *number,
        });
    }
    if numbers.is_sorted_by(|one, other| one < other) {
        Ok(())
    } else {
        Err(Fault::Order(name.to_owned()))
    }
}

fn check_action(service: &Service, longruns: usize) -> Result<(), Fault> {
    match &service.action {
        Action::Longrun { consumer: None } => Ok(()),
        Action::Longrun {
            consumer: Some(consumer),
        } => {
            if !(IMPLICIT.len()..IMPLICIT.len() + longruns).contains(consumer) {
                return Err(Fault::Number {
                    name: service.name.clone(),
                    number: *consumer,
                });
            }
            if service.needs.contains(consumer) {
                Ok(())
            } else {
                Err(Fault::Pipe(service.name.clone()))
            }
        }
        Action::Oneshot { up, down } => {
            let mut words = up.iter().chain(down);
            if words.any(|word| word.contains(&0)) {
                Err(Fault::Word(service.name.clone()))
            } else {
                Ok(())
            }
        }
    }
}

/// Takes away what needs nothing that is left, until nothing is left, or only what is in a cycle or
/// needs such a thing.
fn check_cycles(services: &[Service]) -> Result<(), Fault> {
    let mut users: Vec<Vec<usize>> = vec![Vec::new(); services.len()];
    let mut left: Vec<usize> = services.iter().map(|service| service.needs.len()).collect();
    for (index, service) in services.iter().enumerate() {
        let needs = service.needs.iter();
        for need in needs.filter_map(|need| need.checked_sub(IMPLICIT.len())) {
            if let Some(users) = users.get_mut(need) {
                users.push(index);
            }
        }
    }
    let free = left.iter().enumerate().filter(|(_, left)| **left == 0);
    let mut free: Vec<usize> = free.map(|(index, _)| index).collect();
    while let Some(index) = free.pop() {
        for user in users.get(index).into_iter().flatten() {
            if let Some(left) = left.get_mut(*user) {
                *left = left.saturating_sub(1);
                if *left == 0 {
                    free.push(*user);
                }
            }
        }
    }
    match services.iter().zip(left).find(|(_, left)| *left > 0) {
        Some((service, _)) => Err(Fault::Cycle(service.name.clone())),
        None => Ok(()),
    }
}
