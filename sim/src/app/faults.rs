//! How the application reports faults: emergencies by CoE or SoE, error register 0x1001 and error history 0x1003 (ETG.1000.6, 5.6.4;
//! CiA 301, 7.2.7).

use std::time::Duration;

use zerocat_wire::coe::{DiagnosisKind, DiagnosisMessage, Emergency, diagnosis};
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

    /// Puts a message into the diagnosis history, which may send it as an emergency too. Returns whether there is a history.
    pub(crate) fn diagnose(
        &mut self,
        esc: &mut Esc,
        kind: DiagnosisKind,
        code: u16,
        text_id: u16,
        now: Duration,
    ) -> bool {
        let Some(wanted) = self.dictionary.number(diagnosis::INDEX, diagnosis::FLAGS) else { return false };
        let is_set = |flag: u16| wanted & u64::from(flag) != 0;
        let left_out = match kind {
            DiagnosisKind::Info => is_set(diagnosis::flags::NO_INFO),
            DiagnosisKind::Warning => is_set(diagnosis::flags::NO_WARNINGS),
            _ => is_set(diagnosis::flags::NO_ERRORS),
        };
        let message = DiagnosisMessage {
            code: u32::from(code) << 16 | u32::from(diagnosis::EMERGENCY_CODE),
            // By a clock of its own.
            flags: u16::from(kind.bits()) | 1 << 4,
            text_id,
            time_ns: u64::try_from(now.as_nanos()).unwrap_or(u64::MAX),
            raw_parameters: &[],
        };
        let mut bytes = [0; diagnosis::HEADER_LEN];
        if !left_out && message.emit(&mut bytes).is_ok() {
            self.dictionary.add_diagnosis(&bytes);
        }
        if is_set(diagnosis::flags::EMERGENCIES) {
            let register = self.dictionary.error_register();
            self.emergency(esc, &Emergency { code, register, data: [0; 5] });
        }
        true
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
