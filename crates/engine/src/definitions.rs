//! The services of s6-rc as the engine wants them: those that a boot starts and those that somebody may
//! start later, each with what it needs, and the stages of s6-overlay told apart from what an image
//! brings.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use sixfold_model::ServiceSpec;
use sixfold_model::rc::Database;
use sixfold_model::rc::database::{FDHOLDER, ONESHOT_RUNNER, Type, Way};
use sixfold_model::rc::definition::{Kind, Longrun, Timeouts};
use sixfold_model::rc::graph::{Graph, Id, Node, Standing};
use sixfold_model::rc::stock;

/// Every service that can be started.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Definitions {
    /// The services, each of which may need others by their places here.
    pub all: Vec<Definition>,
    /// What services.d needs (the dependencies of `legacy-services`).
    pub services_need: Vec<Need>,
    /// What cont-init.d needs, beyond fix-attrs.d (those of `legacy-cont-init`).
    pub cont_init_needs: Vec<Need>,
    /// What fix-attrs.d needs (those of `fix-attrs`).
    pub fix_attrs_needs: Vec<Need>,
}

/// One service of s6-rc.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// Its name.
    pub name: String,
    /// What it is.
    pub nature: Nature,
    /// What has to be up before it.
    pub needs: Vec<Need>,
    /// How long it may take to be up, and down.
    pub timeouts: Timeouts,
    /// The boot starts it.
    pub is_wanted: bool,
}

/// What a service of s6-rc is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Nature {
    /// Two command lines of execline, each of which may be empty.
    Oneshot {
        /// What brings it up.
        up: Vec<Vec<u8>>,
        /// What takes it down.
        down: Vec<Vec<u8>>,
    },
    /// A supervised service.
    Longrun {
        /// What its directory says.
        spec: Box<ServiceSpec>,
        /// The place of the longrun that reads what it writes.
        reader: Option<usize>,
    },
    /// Something that cannot start, as has been reported.
    Broken,
}

/// What has to be up before a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// The service at this place.
    Service(usize),
    /// The fix-attrs.d stage (`fix-attrs`).
    FixAttrs,
    /// The cont-init.d stage (`legacy-cont-init`).
    ContInit,
    /// The services.d stage (`legacy-services`).
    Services,
}

impl Definitions {
    /// What there is in `graph`, of which a boot starts all that the bundle `top` holds, and what that
    /// needs. `spec` gives the service of a longrun, once its directory is made, or nothing if that
    /// cannot be; it is told whether the boot starts it. What is broken and not wanted is left out.
    pub fn of(
        graph: &Graph,
        mut spec: impl FnMut(&str, &Longrun, bool) -> Option<ServiceSpec>,
    ) -> Self {
        let mut places: BTreeMap<Id, Need> = BTreeMap::new();
        let mut known: Vec<(Id, &Node)> = Vec::new();
        let boot: BTreeSet<Id> = graph.closure(graph.top()).into_iter().collect();
        for (id, node) in graph.nodes() {
            let is_known = boot.contains(&id) || node.is_sound();
            // A bundle stands for what it holds, unless something is wrong with itself.
            if !is_known || node.is_bundle() && node.standing != Standing::Broken {
                continue;
            }
            let need = match node.name() {
                stock::FIX_ATTRS => Need::FixAttrs,
                stock::CONT_INIT => Need::ContInit,
                stock::SERVICES => Need::Services,
                _ => {
                    known.push((id, node));
                    Need::Service(known.len() - 1)
                }
            };
            places.insert(id, need);
        }
        let needs = |ids: &[Id]| -> Vec<Need> {
            let needs = ids.iter().filter_map(|id| places.get(id).copied());
            needs.collect()
        };
        let of_stage = |name: &str| {
            let node = graph.find(name).and_then(|id| graph.get(id));
            node.map(|node| {
                let mut found = needs(&node.needs);
                // It may be a bundle that keeps a stage from starting.
                if let Standing::Blocked { by } = &node.standing {
                    found.extend(graph.find(by).and_then(|id| places.get(&id)));
                }
                // The stages follow each other in any case.
                found.retain(|need| matches!(need, Need::Service(_)));
                found.sort_unstable();
                found.dedup();
                found
            })
            .unwrap_or_default()
        };
        let services_need = of_stage(stock::SERVICES);
        let cont_init_needs = of_stage(stock::CONT_INIT);
        let fix_attrs_needs = of_stage(stock::FIX_ATTRS);
        let all: Vec<Definition> = known
            .iter()
            .map(|(id, node)| {
                let is_wanted = boot.contains(id);
                let (nature, timeouts) = match &node.definition.kind {
                    _ if !node.is_sound() => (Nature::Broken, Timeouts::default()),
                    Kind::Oneshot(oneshot) => {
                        let down = oneshot.down.as_ref();
                        let nature = Nature::Oneshot {
                            up: oneshot.up.words.clone(),
                            down: down.map(|down| down.words.clone()).unwrap_or_default(),
                        };
                        (nature, oneshot.timeouts)
                    }
                    Kind::Longrun(longrun) => {
                        let reader = longrun.producer_for.as_ref();
                        let reader = reader.and_then(|reader| graph.find(&reader.name));
                        let reader = reader.and_then(|id| match places.get(&id) {
                            Some(Need::Service(place)) => Some(*place),
                            Some(Need::FixAttrs | Need::ContInit | Need::Services) | None => None,
                        });
                        let nature = match spec(node.name(), longrun, is_wanted) {
                            Some(spec) => Nature::Longrun {
                                spec: Box::new(spec),
                                reader,
                            },
                            None => Nature::Broken,
                        };
                        (nature, longrun.timeouts)
                    }
                    Kind::Bundle(_) | Kind::Unknown => (Nature::Broken, Timeouts::default()),
                };
                Definition {
                    name: node.name().to_owned(),
                    nature,
                    needs: needs(&node.needs),
                    timeouts,
                    is_wanted,
                }
            })
            .collect();
        let mut definitions = Self {
            all,
            services_need,
            cont_init_needs,
            fix_attrs_needs,
        };
        for (name, stage) in [
            (stock::SERVICES, &mut definitions.services_need),
            (stock::CONT_INIT, &mut definitions.cont_init_needs),
            (stock::FIX_ATTRS, &mut definitions.fix_attrs_needs),
        ] {
            let node = graph.find(name).and_then(|id| graph.get(id));
            if node.is_some_and(|node| node.standing == Standing::Broken) {
                stage.push(Need::Service(definitions.all.len()));
                definitions.all.push(Definition::broken(name.to_owned()));
            }
        }
        definitions
    }
}

impl Definitions {
    /// What there is in a compiled database, of which nothing is started by itself. `spec` gives the
    /// service of a longrun, once its directory is made, or nothing if that cannot be.
    pub fn of_database(
        database: &Database,
        mut spec: impl FnMut(&str) -> Option<ServiceSpec>,
    ) -> Self {
        let own = [ONESHOT_RUNNER, FDHOLDER];
        let names: Vec<&str> = database
            .services()
            .filter(|name| !own.contains(name))
            .collect();
        let places: BTreeMap<&str, usize> = names
            .iter()
            .enumerate()
            .map(|(at, name)| (*name, at))
            .collect();
        let all = names.iter().map(|name| {
            let words = |way| database.script(name, way).unwrap_or_default().to_vec();
            let nature = if database.type_of(name) == Ok(Type::Oneshot) {
                Nature::Oneshot {
                    up: words(Way::Up),
                    down: words(Way::Down),
                }
            } else {
                let reader = database.consumer(name);
                let reader = reader.and_then(|reader| places.get(reader).copied());
                spec(name).map_or(Nature::Broken, |spec| Nature::Longrun {
                    spec: Box::new(spec),
                    reader,
                })
            };
            let needs = database.dependencies([*name], Way::Up).unwrap_or_default();
            let needs = needs.into_iter().filter_map(|need| places.get(need));
            let limit = |way| {
                let limit = database.timeout(name, way).unwrap_or_default();
                (limit > 0).then(|| Duration::from_millis(limit))
            };
            Definition {
                name: (*name).to_owned(),
                nature,
                needs: needs.copied().map(Need::Service).collect(),
                timeouts: Timeouts {
                    up: limit(Way::Up),
                    down: limit(Way::Down),
                },
                is_wanted: false,
            }
        });
        Self {
            all: all.collect(),
            ..Self::default()
        }
    }
}

impl Definition {
    /// Something of that name that cannot start, as has been reported, and needs nothing.
    pub fn broken(name: String) -> Self {
        Self {
            name,
            nature: Nature::Broken,
            needs: Vec::new(),
            timeouts: Timeouts::default(),
            is_wanted: true,
        }
    }
}

#[cfg(test)]
#[path = "definitions_tests.rs"]
mod tests;
