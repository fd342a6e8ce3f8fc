//! Vectors of the embedded model against reference vectors of the full-precision model.

use memory_embed::{Embedder, MiniLm, Role};

const TEXTS: &str = include_str!("golden/texts.txt");
/// Made by `golden/reference.py`: 384 little-endian `f32` for each line of `texts.txt`.
const VECTORS: &[u8] = include_bytes!("golden/vectors.f32");

#[test]
fn vectors_point_where_those_of_the_full_precision_model_point() {
    let texts: Vec<&str> = TEXTS.lines().collect();
    let numbers: Vec<f32> =
        VECTORS.chunks(4).map(|bytes| f32::from_le_bytes(bytes.try_into().unwrap())).collect();
    let reference: Vec<&[f32]> = numbers.chunks(384).collect();
    let found = MiniLm::embedded().unwrap().embed(Role::Document, &texts).unwrap();
    assert_eq!((texts.len(), found.len(), reference.len()), (20, 20, 20));
    let cosine = |(a, b): (&Vec<f32>, &&[f32])| a.iter().zip(*b).map(|(a, b)| a * b).sum::<f32>();
    let cosines: Vec<f32> = found.iter().zip(&reference).map(cosine).collect();
    let mean = cosines.iter().sum::<f32>() / 20.0;
    let least = cosines.iter().copied().fold(1.0, f32::min);
    println!("cosine to the reference: mean {mean:.5}, least {least:.5}");
    assert!(mean > 0.997 && least > 0.99, "mean {mean}, least {least}: {cosines:?}");
}
