//! A file of vectors and queries that several programs read, so that all are measured on the same
//! ones.
//!
//! Three little-endian `u32` (rows, queries, dimension), then the rows and the queries as `f32`.

use std::fs::File;
use std::io::{BufReader, Error, ErrorKind, Read, Result};
use std::path::Path;

/// The vectors of a file.
#[derive(Debug, Clone, PartialEq)]
pub struct VectorFile {
    /// Number of dimensions.
    pub dimension: usize,
    /// Vectors that are searched, row by row.
    pub rows: Vec<f32>,
    /// Queries, row by row.
    pub queries: Vec<f32>,
}

impl VectorFile {
    /// Reads a file. Errors: it cannot be read, or is shorter or longer than its head says.
    pub fn read(path: &Path) -> Result<Self> {
        Self::from_reader(BufReader::new(File::open(path)?))
    }

    fn from_reader(mut reader: impl Read) -> Result<Self> {
        let mut head = [0; 12];
        reader.read_exact(&mut head)?;
        let number = |at: usize| {
            u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]) as usize
        };
        let [n_rows, n_queries, dimension] = [0, 4, 8].map(number);
        let mut numbers = |n: usize| -> Result<Vec<f32>> {
            let mut bytes = vec![0; n * 4];
            reader.read_exact(&mut bytes)?;
            Ok(bytes.as_chunks().0.iter().map(|four| f32::from_le_bytes(*four)).collect())
        };
        let (rows, queries) = (numbers(n_rows * dimension)?, numbers(n_queries * dimension)?);
        if dimension == 0 || reader.read(&mut [0])? > 0 {
            return Err(Error::new(ErrorKind::InvalidData, "no file of vectors and queries"));
        }
        Ok(Self { dimension, rows, queries })
    }

    /// Returns the rows, one by one.
    pub fn rows(&self) -> impl Iterator<Item = &[f32]> {
        self.rows.chunks_exact(self.dimension)
    }

    /// Returns the queries, one by one.
    pub fn queries(&self) -> impl Iterator<Item = &[f32]> {
        self.queries.chunks_exact(self.dimension)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(head: [u32; 3], numbers: &[f32]) -> Vec<u8> {
        let head = head.iter().flat_map(|n| n.to_le_bytes());
        head.chain(numbers.iter().flat_map(|x| x.to_le_bytes())).collect()
    }

    #[test]
    fn rows_and_queries_are_told_apart() {
        let file = bytes([2, 1, 2], &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
        let file = VectorFile::from_reader(file.as_slice()).unwrap();
        assert_eq!(file.rows().collect::<Vec<_>>(), [[1.0, 2.0], [3.0, 4.0]]);
        assert_eq!(file.queries().collect::<Vec<_>>(), [[5.0, 6.0]]);
    }

    #[test]
    fn a_file_that_is_cut_or_too_long_is_refused() {
        let whole = bytes([1, 1, 2], &[1.0, 2.0, 3.0, 4.0]);
        assert!(VectorFile::from_reader(whole.as_slice()).is_ok());
        assert!(VectorFile::from_reader(&whole[..whole.len() - 1]).is_err());
        assert!(VectorFile::from_reader([whole, vec![0]].concat().as_slice()).is_err());
        assert!(VectorFile::from_reader([].as_slice()).is_err());
    }
}
