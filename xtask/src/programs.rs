//! The programs of the workspace, built for debugging, and where they lie.

use std::path::{Path, PathBuf};

use crate::step::Step;

/// Where the programs lie.
pub(crate) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Builds them: all of the workspace, with the features of the tests, so that nothing is built twice.
    pub(crate) fn build() -> Result<Self, String> {
        if !Step::cargo("build", vec!["build", "--workspace", "--bins"]).run(|_, _| ())? {
            return Err("the programs of the workspace do not build".to_owned());
        }
        // xtask itself lies there.
        let own = std::env::current_exe().map_err(|error| format!("xtask does not know where it lies: {error}"))?;
        let folder = own.parent().map(Path::to_owned).ok_or("xtask lies nowhere")?;
        Ok(Self { folder })
    }

    /// A program's path.
    pub(crate) fn path(&self, name: &str) -> Result<String, String> {
        text(&self.folder.join(name))
    }

    /// The folder of all that cargo builds.
    pub(crate) fn target(&self) -> Result<String, String> {
        text(self.folder.parent().ok_or("xtask does not lie below target/")?)
    }
}

fn text(path: &Path) -> Result<String, String> {
    path.to_str().map(str::to_owned).ok_or_else(|| format!("{} is no utf-8", path.display()))
}
