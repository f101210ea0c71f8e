//! Compiled programs, kept by the filter they were compiled from.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use ctr_spec::seccomp::Filter;

use crate::{Error, compile};

/// Programs kept before all are dropped: many more than the policies of one machine, and a bound on
/// what callers with a policy per container can make us hold.
const MAX_PROGRAMS: usize = 64;

/// Compiled programs by the whole [`Filter`]; for any number of threads.
#[derive(Debug, Default)]
pub struct Cache {
    programs: Mutex<HashMap<Filter, Arc<[u8]>>>,
}

impl Cache {
    /// An empty cache.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The filter's program, compiled at its first use.
    ///
    /// # Errors
    ///
    /// As [`compile`]; a failure is not kept.
    pub fn compile(&self, filter: &Filter) -> Result<Arc<[u8]>, Error> {
        // A panic elsewhere cannot leave a half-made entry: programs are inserted complete.
        let mut programs = self.programs.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(program) = programs.get(filter) {
            return Ok(Arc::clone(program));
        }
        let program: Arc<[u8]> = compile(filter)?.into();
        if programs.len() >= MAX_PROGRAMS {
            programs.clear();
        }
        programs.insert(filter.clone(), Arc::clone(&program));
        Ok(program)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed unwrap is a failed test")]

    use super::*;
    use ctr_spec::seccomp::Action;

    fn filter(errno: u16) -> Filter {
        Filter {
            default_action: Action::Errno(errno),
            architectures: Vec::new(),
            flags: Vec::new(),
            rules: Vec::new(),
        }
    }

    #[test]
    fn a_filter_is_compiled_once_and_every_difference_counts() {
        let cache = Cache::new();
        let first = cache.compile(&filter(1)).unwrap();
        assert!(Arc::ptr_eq(&first, &cache.compile(&filter(1)).unwrap()));
        assert_ne!(first, cache.compile(&filter(2)).unwrap());
    }

    #[test]
    fn the_cache_is_bounded() {
        let cache = Cache::new();
        for errno in 0..200 {
            cache.compile(&filter(errno)).unwrap();
        }
        assert!(cache.programs.lock().unwrap().len() <= MAX_PROGRAMS);
    }
}
