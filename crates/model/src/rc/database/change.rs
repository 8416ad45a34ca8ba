//! What `s6-rc` asks of a database: which services move for a wish, and which are listed. The order
//! is that in which s6-rc begins with them if each gets there before the next one does.
//!
//! Called from the engine, which moves services, and from `s6-rc`, which lists them and shows what
//! it would do.

use super::query::{QueryError, mark};
use super::{Database, Way};

/// What `s6-rc` was called with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wish<'a> {
    /// Services and bundles: the selection.
    pub names: &'a [String],
    /// Everything that is up belongs to the selection as well (`-a`).
    pub all: bool,
    /// Where the selection, and what depends on it in that direction, shall be.
    pub way: Way,
    /// Essential services are stopped like others, and left out of lists (`-e`, `-D`).
    pub essential: bool,
    /// All other services go the other way (`-p`).
    pub prune: bool,
}

/// What a wish comes to. The services to be stopped come first; where one of them fails, none is
/// started.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Course<'a> {
    /// The services to be stopped, each after everything that needs it.
    pub stop: Vec<&'a str>,
    /// The services to be started, each after everything that it needs.
    pub start: Vec<&'a str>,
    /// The essential services that should be stopped and are not. What they need is not stopped
    /// either, and is not named.
    pub kept: Vec<&'a str>,
    /// The services that are where they should be.
    pub already: Vec<&'a str>,
}

impl Database {
    /// Which services move for `wish`, where `is_up` tells of each name of a service whether it is
    /// up.
    ///
    /// # Errors
    /// When one of the names means nothing.
    pub fn course(
        &self,
        is_up: &dyn Fn(&str) -> bool,
        wish: &Wish<'_>,
    ) -> Result<Course<'_>, QueryError> {
        let is_up = self.which(is_up);
        let mut selected = self.selection(&is_up, wish)?;
        self.close(&mut selected, wish.way);
        let (stopping, starting) = match (wish.way, wish.prune) {
            (Way::Up, false) => (self.none(), selected),
            (Way::Up, true) => (inverted(&selected), selected),
            (Way::Down, false) => (selected, self.none()),
            (Way::Down, true) => {
                let others = inverted(&selected);
                (selected, others)
            }
        };
        let mut stop = Walk::new(self, Way::Down, &stopping, &is_up, !wish.essential);
        stop.walk();
        let mut start = Walk::new(self, Way::Up, &starting, &is_up, false);
        start.walk();
        let mut already = self.named_by(&stop.already);
        already.extend(self.named_by(&start.already));
        Ok(Course {
            stop: self.named_by(&stop.moved),
            start: self.named_by(&start.moved),
            kept: self.named_by(&stop.kept),
            already,
        })
    }

    /// The services that `s6-rc list` prints, or `s6-rc listall` if this is `deep`, in the order of
    /// the database. Without further steps: the selection, or downwards everything else; with them:
    /// the selection and what depends on it in the wish's direction.
    ///
    /// # Errors
    /// When one of the names means nothing.
    pub fn listed(
        &self,
        is_up: &dyn Fn(&str) -> bool,
        wish: &Wish<'_>,
        deep: bool,
    ) -> Result<Vec<&str>, QueryError> {
        let mut selected = self.selection(&self.which(is_up), wish)?;
        match (deep, wish.way) {
            (true, way) => self.close(&mut selected, way),
            (false, Way::Up) => {}
            (false, Way::Down) => selected = inverted(&selected),
        }
        let services = self.services.iter().zip(selected);
        let listed = services
            .filter(|(service, selected)| *selected && !(wish.essential && service.essential));
        Ok(listed.map(|(service, _)| service.name.as_str()).collect())
    }

    /// Where a service is in the order of the database, counted from 0: the number by which s6-rc's
    /// programs call it; `None` for what is no service.
    pub fn number(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }

    /// A mark for each service of which `is` is true.
    fn which(&self, is: &dyn Fn(&str) -> bool) -> Vec<bool> {
        self.services
            .iter()
            .map(|service| is(&service.name))
            .collect()
    }

    /// A mark for each service that the wish names.
    fn selection(&self, is_up: &[bool], wish: &Wish<'_>) -> Result<Vec<bool>, QueryError> {
        let names = wish.names.iter().map(String::as_str);
        let mut selected = if wish.all {
            is_up.to_vec()
        } else {
            self.none()
        };
        for index in self.numbers(names)? {
            mark(&mut selected, index);
        }
        Ok(selected)
    }

    /// Marks what depends on the marked services in that direction, too.
    fn close(&self, marks: &mut [bool], way: Way) {
        let marked = marks.iter().enumerate().filter(|(_, mark)| **mark);
        let mut stack: Vec<usize> = marked.map(|(index, _)| index).collect();
        while let Some(index) = stack.pop() {
            for other in self.next(index, way) {
                if mark(marks, *other) {
                    stack.push(*other);
                }
            }
        }
    }

    fn named_by(&self, numbers: &[usize]) -> Vec<&str> {
        let names = numbers.iter().filter_map(|index| self.name(*index));
        names.collect()
    }
}

fn inverted(marks: &[bool]) -> Vec<bool> {
    marks.iter().map(|mark| !mark).collect()
}

/// The selected services being moved one way, as s6-rc goes through them.
struct Walk<'a> {
    database: &'a Database,
    way: Way,
    selected: &'a [bool],
    is_up: &'a [bool],
    /// Essential services are not moved.
    protects: bool,
    /// For each service, how many others have to be there before it.
    awaited: Vec<usize>,
    met: Vec<bool>,
    moved: Vec<usize>,
    kept: Vec<usize>,
    already: Vec<usize>,
}

impl<'a> Walk<'a> {
    fn new(
        database: &'a Database,
        way: Way,
        selected: &'a [bool],
        is_up: &'a [bool],
        protects: bool,
    ) -> Self {
        let awaited = (0..database.services.len()).map(|index| database.next(index, way).len());
        Self {
            database,
            way,
            selected,
            is_up,
            protects,
            awaited: awaited.collect(),
            met: database.none(),
            moved: Vec::new(),
            kept: Vec::new(),
            already: Vec::new(),
        }
    }

    /// Begins with the service of the greatest number, and then lets each that moves get there in
    /// the order in which they began to.
    fn walk(&mut self) {
        for index in (0..self.met.len()).rev() {
            let mut released = Vec::new();
            self.meet(index, &mut released);
            self.release(released);
        }
        let mut arrived = 0;
        while let Some(index) = self.moved.get(arrived).copied() {
            arrived += 1;
            self.release(self.awaiting(index).to_vec());
        }
    }

    /// For each of these services there is one less to wait for; the last of them comes first.
    fn release(&mut self, mut stack: Vec<usize>) {
        while let Some(index) = stack.pop() {
            if let Some(awaited) = self.awaited.get_mut(index) {
                *awaited = awaited.saturating_sub(1);
            }
            self.meet(index, &mut stack);
        }
    }

    /// Looks at a service: if its time has come, this is what becomes of it. Those that wait for it
    /// are put onto `released` if it is where it should be.
    fn meet(&mut self, index: usize, released: &mut Vec<usize>) {
        let is = |marks: &[bool]| marks.get(index).copied().unwrap_or(false);
        let is_due = self.awaited.get(index) == Some(&0);
        if !is(self.selected) || !is_due || !mark(&mut self.met, index) {
            return;
        }
        let is_essential = self
            .database
            .services
            .get(index)
            .is_some_and(|it| it.essential);
        if is(self.is_up) == (self.way == Way::Up) {
            self.already.push(index);
            released.extend(self.awaiting(index));
        } else if self.protects && is_essential {
            self.kept.push(index);
        } else {
            self.moved.push(index);
        }
    }

    /// The services that wait for this one.
    fn awaiting(&self, index: usize) -> &'a [usize] {
        self.database.next(index, self.way.opposite())
    }
}

#[cfg(test)]
mod tests;
