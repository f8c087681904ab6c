//! How the application reports faults: emergencies by CoE or SoE, error register 0x1001 and error history 0x1003 (ETG.1000.6, 5.6.4;
//! CiA 301, 7.2.7).

use zerocat_wire::coe::Emergency;
use zerocat_wire::{AlState, AlStatusCode};

use super::Application;
use crate::esc::Esc;

/// Communication error in the error register.
const COMMUNICATION: u8 = 0x10;

/// Error codes of emergencies.
mod code {
    /// The error is gone.
    pub(super) const NONE: u16 = 0x0000;
    /// Communication.
    pub(super) const COMMUNICATION: u16 = 0x8100;
    /// PRE-OP to SAFE-OP failed (ETG.1000.6, 5.6.4).
    pub(super) const TO_SAFE_OP: u16 = 0xA000;
    /// SAFE-OP to OP failed.
    pub(super) const TO_OP: u16 = 0xA001;
}

impl Application {
    /// Raises an emergency: it is kept in register and history, and sent where the mailbox is open. Code 0 ends an
    /// error and leaves the history as it is.
    pub(crate) fn emergency(&mut self, esc: &mut Esc, emergency: &Emergency) {
        if !self.description.tells_emergencies() {
            return;
        }
        self.dictionary.set_error_register(emergency.register);
        if emergency.code != code::NONE {
            let [low, high, ..] = emergency.data;
            let detail = u32::from(u16::from_le_bytes([low, high]));
            self.dictionary.remember_error(u32::from(emergency.code) | detail << 16);
        }
        let open = matches!(self.state(), AlState::PreOp | AlState::SafeOp | AlState::Op);
        if let (true, Some(mailbox)) = (open, &mut self.mailbox) {
            mailbox.emergency(esc, emergency);
        }
    }

    /// Raises an emergency when the profile's fault has changed.
    pub(super) fn report_profile(&mut self, esc: &mut Esc) {
        let fault = self.profile.fault();
        if fault == self.reported {
            return;
        }
        self.reported = fault;
        let communication = self.dictionary.error_register() & COMMUNICATION;
        let emergency = match fault {
            Some(fault) => Emergency { code: fault.code, register: fault.register | communication, data: [0; 5] },
            None => Emergency { code: code::NONE, register: communication, data: [0; 5] },
        };
        self.emergency(esc, &emergency);
    }

    /// A transition to `target` failed. The data hold the AL status code.
    pub(super) fn report_transition(&mut self, esc: &mut Esc, target: AlState, cause: AlStatusCode) {
        let code = match target {
            AlState::SafeOp => code::TO_SAFE_OP,
            AlState::Op => code::TO_OP,
            _ => return,
        };
        self.raise_communication(esc, code, cause);
    }

    /// A state was lost, or an error came up in it. The data hold the AL status code.
    pub(super) fn report_al_error(&mut self, esc: &mut Esc, cause: AlStatusCode) {
        self.raise_communication(esc, code::COMMUNICATION, cause);
    }

    fn raise_communication(&mut self, esc: &mut Esc, code: u16, cause: AlStatusCode) {
        let [low, high] = cause.0.to_le_bytes();
        let register = self.dictionary.error_register() | COMMUNICATION;
        self.emergency(esc, &Emergency { code, register, data: [low, high, 0, 0, 0] });
    }

    /// A transition to a higher state has worked: communication errors end.
    pub(super) fn end_of_error(&mut self, esc: &mut Esc) {
        let register = self.dictionary.error_register();
        if register & COMMUNICATION != 0 {
            let register = register & !COMMUNICATION;
            self.emergency(esc, &Emergency { code: code::NONE, register, data: [0; 5] });
        }
    }
}
