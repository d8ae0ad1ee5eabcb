//! The company that carries messages. It takes what it is given: twice given is twice sent.

use remit_core::ids::DeliveryId;

#[derive(Default)]
pub struct Carrier {
    sent: Vec<DeliveryId>,
}

impl Carrier {
    pub fn accept(&mut self, delivery: DeliveryId) {
        self.sent.push(delivery);
    }

    /// Look-up by our reference.
    pub fn has(&self, delivery: DeliveryId) -> bool {
        self.sent.contains(&delivery)
    }

    /// I10: one text for one intent.
    pub fn check(&self) -> Result<(), String> {
        for (index, delivery) in self.sent.iter().enumerate() {
            if self.sent[..index].contains(delivery) {
                return Err(format!("I10: {delivery} was sent twice"));
            }
        }
        Ok(())
    }
}
