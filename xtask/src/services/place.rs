//! Where servers of the project's own live: `target/services/PRODUCT`, with a folder for each server.

use std::{
    fs,
    path::{Path, PathBuf},
};

use hwan_services::{Installation, Installed, OsProcess, Product, State};

/// Whose server it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Tenant {
    /// That of `services up`.
    Up,
    /// That of the test run with this process number.
    Test(u32),
}

/// `target/services` of the project.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    root: PathBuf,
}

impl Place {
    pub(crate) fn of_project() -> Self {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self { root: manifest.parent().unwrap_or(manifest).join("target/services") }
    }

    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn folder(&self, product: Product) -> PathBuf {
        self.root.join(product.name())
    }

    /// The folder of one server.
    pub(crate) fn home(&self, product: Product, tenant: Tenant) -> PathBuf {
        let name = match tenant {
            Tenant::Up => "up".to_owned(),
            Tenant::Test(pid) => format!("test-{pid}"),
        };
        self.folder(product).join(name)
    }

    /// Fetches the product if it is not there.
    pub(crate) fn install(&self, product: Product) -> Result<Installed, String> {
        let say = &mut |line: &str| println!("{product}: {line}");
        Installation::new(product, &self.root).install(say).map_err(|error| error.to_string())
    }

    pub(crate) fn is_installed(&self, product: Product) -> bool {
        self.folder(product).join("root").exists()
    }

    /// What runs there.
    pub(crate) fn running(&self, product: Product, tenant: Tenant) -> Result<Option<State>, String> {
        let state = State::read(&self.home(product, tenant)).map_err(|error| error.to_string())?;
        Ok(state.filter(|state| state.process.is_alive()))
    }

    pub(crate) fn alive(&self, product: Product, tenant: Tenant) -> Result<Option<OsProcess>, String> {
        Ok(self.running(product, tenant)?.map(|state| state.process))
    }

    /// Stops what runs there in order.
    pub(crate) fn stop(&self, product: Product, tenant: Tenant) -> Result<(), String> {
        let Some(state) = self.running(product, tenant)? else { return Ok(()) };
        state.stop(&self.home(product, tenant)).map_err(|error| error.to_string())
    }

    /// Kills what runs there, and removes the folder with all that the server held.
    pub(crate) fn clear(&self, product: Product, tenant: Tenant) -> Result<(), String> {
        if let Some(process) = self.alive(product, tenant)? {
            process.kill().map_err(|error| error.to_string())?;
        }
        let home = self.home(product, tenant);
        match fs::remove_dir_all(&home) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(format!("{}: {error}", home.display())),
            _ => Ok(()),
        }
    }

    /// Folders of test runs that have ended without clearing them.
    pub(crate) fn orphans(&self, product: Product) -> Vec<Tenant> {
        let entries = fs::read_dir(self.folder(product)).into_iter().flatten().flatten();
        entries
            .filter_map(|entry| entry.file_name().to_str()?.strip_prefix("test-")?.parse().ok())
            .filter(|pid| OsProcess::of(*pid).is_none())
            .map(Tenant::Test)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_dead_test_runs_left_is_an_orphan() {
        let root = std::env::temp_dir().join(format!("hwan-place-{}", std::process::id()));
        let place = Place::at(&root);
        let dead = Tenant::Test(u32::MAX);
        for tenant in [Tenant::Up, Tenant::Test(std::process::id()), dead] {
            fs::create_dir_all(place.home(Product::Redis, tenant)).unwrap();
        }
        assert_eq!(place.orphans(Product::Redis), [dead]);
        place.clear(Product::Redis, dead).unwrap();
        assert_eq!(place.orphans(Product::Redis), []);
        fs::remove_dir_all(&root).unwrap();
    }
}
