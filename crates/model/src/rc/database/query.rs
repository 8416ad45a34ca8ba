//! What can be asked of a database: the questions of `s6-rc-db`. Lists of a kind and the contents of
//! a bundle come in s6-rc's order, what is found for a set of names in the reverse order, as there.

use std::fmt;

use super::{Action, Database, Service, Way};

/// What a name in a database means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Type {
    /// A supervised service.
    Longrun,
    /// What runs once on the way up, and once on the way down.
    Oneshot,
    /// A set of services.
    Bundle,
}

impl Type {
    fn of(service: &Service) -> Self {
        match service.action {
            Action::Longrun { .. } => Self::Longrun,
            Action::Oneshot { .. } => Self::Oneshot,
        }
    }
}

impl fmt::Display for Type {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Longrun => "longrun",
            Self::Oneshot => "oneshot",
            Self::Bundle => "bundle",
        })
    }
}

/// What is listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Selection {
    /// Every name.
    All,
    /// Every longrun and oneshot.
    Services,
    /// Every oneshot.
    Oneshots,
    /// Every longrun.
    Longruns,
    /// Every bundle.
    Bundles,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum QueryError {
    /// There is no such name.
    #[error("{name} is not a valid identifier")]
    Unknown {
        /// The name.
        name: String,
    },
    /// The question makes no sense for what the name means.
    #[error("identifier {name} represents a {found}")]
    WrongType {
        /// The name.
        name: String,
        /// What it means.
        found: Type,
    },
}

impl Database {
    /// The names of a selection.
    pub fn list(&self, selection: Selection) -> Vec<&str> {
        let is_listed = |listed: Type| match selection {
            Selection::All => true,
            Selection::Services => listed != Type::Bundle,
            Selection::Oneshots => listed == Type::Oneshot,
            Selection::Longruns => listed == Type::Longrun,
            Selection::Bundles => listed == Type::Bundle,
        };
        let services = self.services.iter();
        let services = services.filter(|service| is_listed(Type::of(service)));
        let bundles = self.bundles.keys().filter(|_| is_listed(Type::Bundle));
        services
            .map(|service| service.name.as_str())
            .chain(bundles.map(String::as_str))
            .collect()
    }

    /// What `name` means.
    ///
    /// # Errors
    /// When it means nothing.
    pub fn type_of(&self, name: &str) -> Result<Type, QueryError> {
        match self.named(name) {
            Some(service) => Ok(Type::of(service)),
            None if self.bundles.contains_key(name) => Ok(Type::Bundle),
            None => Err(unknown(name)),
        }
    }

    /// How many milliseconds a service may take to be up or down; 0 is without limit.
    ///
    /// # Errors
    /// When it is no service.
    pub fn timeout(&self, name: &str, way: Way) -> Result<u64, QueryError> {
        let service = self.service(name)?;
        Ok(match way {
            Way::Up => service.timeout_up,
            Way::Down => service.timeout_down,
        })
    }

    /// The command line of a oneshot for one way.
    ///
    /// # Errors
    /// When it is no oneshot.
    pub fn script(&self, name: &str, way: Way) -> Result<&[Vec<u8>], QueryError> {
        let service = self.service(name)?;
        match (&service.action, way) {
            (Action::Oneshot { up, .. }, Way::Up) => Ok(up),
            (Action::Oneshot { down, .. }, Way::Down) => Ok(down),
            (Action::Longrun { .. }, Way::Up | Way::Down) => Err(wrong_type(name, Type::Longrun)),
        }
    }

    /// The flags of a service: 1 for essential, 2 for recommended.
    ///
    /// # Errors
    /// When it is no service.
    pub fn flags(&self, name: &str) -> Result<u32, QueryError> {
        let service = self.service(name)?;
        Ok(u32::from(service.essential) | u32::from(service.recommended) << 1)
    }

    /// The services that a bundle stands for.
    ///
    /// # Errors
    /// When it is no bundle.
    pub fn contents(&self, name: &str) -> Result<Vec<&str>, QueryError> {
        match self.bundles.get(name) {
            Some(contents) => Ok(contents.iter().filter_map(|it| self.name(*it)).collect()),
            None => Err(wrong_type(name, self.type_of(name)?)),
        }
    }

    /// What the services that `names` stand for are linked with, without further steps.
    ///
    /// # Errors
    /// When one of the names means nothing.
    pub fn dependencies<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        way: Way,
    ) -> Result<Vec<&str>, QueryError> {
        let mut found = self.none();
        for index in self.numbers(names)? {
            for other in self.next(index, way) {
                mark(&mut found, *other);
            }
        }
        Ok(self.marked(&found))
    }

    /// The services that `names` stand for, what they are linked with, and so on.
    ///
    /// # Errors
    /// When one of the names means nothing.
    pub fn all_dependencies<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
        way: Way,
    ) -> Result<Vec<&str>, QueryError> {
        let mut found = self.none();
        let mut stack = self.numbers(names)?;
        while let Some(index) = stack.pop() {
            if mark(&mut found, index) {
                stack.extend(self.next(index, way));
            }
        }
        Ok(self.marked(&found))
    }

    /// The services that `names` stand for.
    ///
    /// # Errors
    /// When one of the names means nothing.
    pub fn atomics<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<&str>, QueryError> {
        let mut found = self.none();
        for index in self.numbers(names)? {
            mark(&mut found, index);
        }
        Ok(self.marked(&found))
    }

    /// Every pipe of the pipeline that a longrun is part of, as producer and consumer: a pipe comes
    /// after those that lead to its producer.
    ///
    /// # Errors
    /// When it is no longrun.
    pub fn pipeline(&self, name: &str) -> Result<Vec<(&str, &str)>, QueryError> {
        let service = self.service(name)?;
        if service.action.is_oneshot() {
            return Err(wrong_type(name, Type::Oneshot));
        }
        let mut producers: Vec<Vec<usize>> = vec![Vec::new(); self.services.len()];
        for (index, service) in self.services.iter().enumerate() {
            let consumer = service.action.consumer();
            if let Some(producers) = consumer.and_then(|it| producers.get_mut(it)) {
                producers.push(index);
            }
        }
        let mut last = self.names.get(name).copied();
        while let Some(consumer) = last
            .and_then(|last| self.services.get(last))
            .and_then(|service| service.action.consumer())
        {
            last = Some(consumer);
        }
        // From the end to the beginning, level by level, and then turned round.
        let mut links = Vec::new();
        let mut level: Vec<usize> = last.into_iter().collect();
        while !level.is_empty() {
            let mut next = Vec::new();
            for consumer in level {
                for producer in producers.get(consumer).into_iter().flatten().rev() {
                    links.extend(self.name(*producer).zip(self.name(consumer)));
                    next.push(*producer);
                }
            }
            level = next;
        }
        links.reverse();
        Ok(links)
    }

    /// The longrun that reads what the longrun `name` writes.
    pub fn consumer(&self, name: &str) -> Option<&str> {
        self.name(self.named(name)?.action.consumer()?)
    }

    /// The names of all services, in s6-rc's order.
    pub fn services(&self) -> impl Iterator<Item = &str> + Clone {
        self.services.iter().map(|service| service.name.as_str())
    }

    pub(super) fn named(&self, name: &str) -> Option<&Service> {
        self.services.get(*self.names.get(name)?)
    }

    fn service(&self, name: &str) -> Result<&Service, QueryError> {
        match self.named(name) {
            Some(service) => Ok(service),
            None => Err(wrong_type(name, self.type_of(name)?)),
        }
    }

    pub(super) fn name(&self, index: usize) -> Option<&str> {
        self.services
            .get(index)
            .map(|service| service.name.as_str())
    }

    /// The numbers of the services that `names` stand for.
    pub(super) fn numbers<'a>(
        &self,
        names: impl IntoIterator<Item = &'a str>,
    ) -> Result<Vec<usize>, QueryError> {
        let mut numbers = Vec::new();
        for name in names {
            match (self.names.get(name), self.bundles.get(name)) {
                (Some(index), _) => numbers.push(*index),
                (None, Some(contents)) => numbers.extend(contents),
                (None, None) => return Err(unknown(name)),
            }
        }
        Ok(numbers)
    }

    pub(super) fn next(&self, index: usize, way: Way) -> &[usize] {
        self.services.get(index).map_or(&[], |service| match way {
            Way::Up => &service.needs,
            Way::Down => &service.needed_by,
        })
    }

    /// A mark for each service, none of them set.
    pub(super) fn none(&self) -> Vec<bool> {
        vec![false; self.services.len()]
    }

    /// The names of the services that are marked, the last first.
    fn marked(&self, marks: &[bool]) -> Vec<&str> {
        let all = self.services.iter().zip(marks).rev();
        all.filter(|(_, is_marked)| **is_marked)
            .map(|(service, _)| service.name.as_str())
            .collect()
    }
}

/// Sets a mark; whether it was not set before.
pub(super) fn mark(marks: &mut [bool], index: usize) -> bool {
    marks
        .get_mut(index)
        .is_some_and(|mark| !std::mem::replace(mark, true))
}

fn unknown(name: &str) -> QueryError {
    QueryError::Unknown {
        name: name.to_owned(),
    }
}

fn wrong_type(name: &str, found: Type) -> QueryError {
    QueryError::WrongType {
        name: name.to_owned(),
        found,
    }
}
