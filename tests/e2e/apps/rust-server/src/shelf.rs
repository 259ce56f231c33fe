use std::fs;
use std::io;
use std::path::Path;

/// The recipe of a loaf, if it is baked here.
pub fn recipe(name: &str) -> io::Result<String> {
    fs::read_to_string(Path::new("recipes").join(format!("{name}.txt")))
}

/// Put an order down, and give all that there are.
pub fn order(line: &str) -> io::Result<String> {
    let mut all = fs::read_to_string("orders.txt").unwrap_or_default();
    all.push_str(line);
    all.push('\n');
    fs::write("orders.txt", &all)?;
    Ok(all)
}
