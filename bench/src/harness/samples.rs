//! What was measured, with the floor beside it: which samples count, and what they say together.

/// What one measurement gave, and the line's round trip right before and after.
#[derive(Clone, Copy)]
pub(crate) struct Sample {
    pub(crate) value: f64,
    pub(crate) before: f64,
    pub(crate) after: f64,
}

/// Whether the two cores have a cache in common, as far as the line's round trip tells.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Bucket {
    Near,
    Far,
}

/// Fewer say nothing.
pub(crate) const ENOUGH: usize = 30;
/// A floor that moves more was that of two different places.
const STEADY: f64 = 1.5;
const NEAR_NS: f64 = 220.0;

impl Bucket {
    pub(crate) const ALL: [Self; 2] = [Self::Near, Self::Far];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Near => "near",
            Self::Far => "far",
        }
    }
}

impl Sample {
    fn floor(self) -> f64 {
        f64::midpoint(self.before, self.after)
    }

    /// Where it belongs; nowhere if the cores moved meanwhile.
    fn bucket(self) -> Option<Bucket> {
        let steady = self.before.max(self.after) <= STEADY * self.before.min(self.after);
        steady.then(|| if self.floor() < NEAR_NS { Bucket::Near } else { Bucket::Far })
    }
}

/// All that one contender gave in one test.
#[derive(Default)]
pub(crate) struct Samples(Vec<Sample>);

/// What the samples of a bucket say.
#[derive(Clone, Copy)]
pub(crate) struct Summary {
    pub(crate) median: f64,
    pub(crate) min: f64,
    pub(crate) max: f64,
    pub(crate) floor: f64,
    /// Of each value to the floor beside it.
    pub(crate) ratio: f64,
}

impl Samples {
    pub(crate) fn add(&mut self, sample: Sample) {
        self.0.push(sample);
    }

    fn of(&self, bucket: Bucket) -> impl Iterator<Item = Sample> {
        self.0.iter().copied().filter(move |sample| sample.bucket() == Some(bucket))
    }

    pub(crate) fn count(&self, bucket: Bucket) -> usize {
        self.of(bucket).count()
    }

    /// How many were dropped, as the cores moved.
    pub(crate) fn moved(&self) -> usize {
        self.0.iter().filter(|sample| sample.bucket().is_none()).count()
    }

    /// Of the bucket that has more.
    pub(crate) fn most(&self) -> usize {
        Bucket::ALL.into_iter().map(|bucket| self.count(bucket)).max().unwrap_or(0)
    }

    /// Nothing if there are too few to say anything.
    pub(crate) fn summary(&self, bucket: Bucket) -> Option<Summary> {
        let mut values: Vec<f64> = self.of(bucket).map(|sample| sample.value).collect();
        if values.len() < ENOUGH {
            return None;
        }
        values.sort_by(f64::total_cmp);
        let [min, .., max] = values[..] else { return None };
        let floor = median(self.of(bucket).map(Sample::floor));
        let ratio = median(self.of(bucket).map(|sample| sample.value / sample.floor()));
        Some(Summary { median: median(values.into_iter()), min, max, floor, ratio })
    }
}

/// The middle one; of none, nothing that is a number.
pub(crate) fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let (low, high) = (values.len().saturating_sub(1) / 2, values.len() / 2);
    match (values.get(low), values.get(high)) {
        (Some(&low), Some(&high)) => f64::midpoint(low, high),
        _ => f64::NAN,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn samples(floors: &[(f64, f64)]) -> Samples {
        let mut samples = Samples::default();
        for (index, &(before, after)) in floors.iter().enumerate() {
            samples.add(Sample { value: index as f64, before, after });
        }
        samples
    }

    #[test]
    fn a_floor_that_moved_counts_nowhere() {
        let samples = samples(&[(100.0, 149.0), (100.0, 151.0), (400.0, 100.0), (380.0, 400.0)]);
        assert_eq!(samples.count(Bucket::Near), 1);
        assert_eq!(samples.count(Bucket::Far), 1);
        assert_eq!(samples.moved(), 2);
    }

    #[test]
    fn fewer_than_enough_say_nothing() {
        assert!(samples(&[(100.0, 100.0); ENOUGH - 1]).summary(Bucket::Near).is_none());
        let summary = samples(&[(100.0, 110.0); ENOUGH]).summary(Bucket::Near).unwrap();
        assert_eq!((summary.min, summary.median, summary.max, summary.floor), (0.0, 14.5, 29.0, 105.0));
    }

    /// A sample's own floor counts: cores that move between two places change no ratio.
    #[test]
    fn ratios_are_to_the_floor_beside_the_sample() {
        let mut samples = Samples::default();
        for index in 0..ENOUGH {
            let floor = if index % 2 == 0 { 50.0 } else { 150.0 };
            samples.add(Sample { value: 3.0 * floor, before: floor, after: floor });
        }
        assert_eq!(samples.summary(Bucket::Near).unwrap().ratio, 3.0);
    }

    #[test]
    fn near_ends_where_the_facts_say() {
        let samples = samples(&[(219.0, 219.0), (220.0, 220.0)]);
        assert_eq!((samples.count(Bucket::Near), samples.count(Bucket::Far)), (1, 1));
    }
}
