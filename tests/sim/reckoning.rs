//! A second opinion on one appointment's figures: plain integers, written without looking at core.

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reckoning {
    pub total: i64,
    pub paid: i64,
    pub refunded: i64,
    pub due: i64,
    pub credit: i64,
    /// Refunds that reduced neither credit nor what counts as paid.
    pub given: i64,
}

impl Reckoning {
    pub fn price(&mut self, change: i64) {
        self.total += change;
        if change > 0 {
            let used = self.credit.min(change);
            self.credit -= used;
            self.due += change - used;
        } else {
            let mut fall = -change;
            for pot in [&mut self.due, &mut self.given] {
                let taken = fall.min(*pot);
                *pot -= taken;
                fall -= taken;
            }
            self.credit += fall;
        }
    }

    pub fn receive(&mut self, amount: i64) {
        self.paid += amount;
        self.settle(amount);
    }

    fn settle(&mut self, amount: i64) {
        let owed = self.due.min(amount);
        self.due -= owed;
        self.credit += amount - owed;
    }

    pub fn send_back(&mut self, amount: i64, owed_again: bool) {
        self.refunded += amount;
        let used = self.credit.min(amount);
        self.credit -= used;
        if owed_again {
            self.due += amount - used;
        } else {
            self.given += amount - used;
        }
    }

    /// A refund that had gone out came back.
    pub fn come_back(&mut self, amount: i64) {
        self.refunded -= amount;
        self.settle(amount);
    }
}
