//! The VMware host: tasks of the management agent, storage and network of the kernel, alarms.

use super::events::Minute;
use super::hosts::HostKind;
use super::syslog_line::{esxi, severity};

const STREAM: u64 = 0xE5A;

const MACHINES: [&str; 6] = ["web01", "web02", "web03", "api01", "api02", "mon01"];

pub(super) fn write(minute: &mut Minute<'_>) {
    let Some(host) = minute.site.host_of(HostKind::VmwareHost) else { return };
    let mut dice = minute.dice(STREAM, host);
    for at_us in minute.moments(&mut dice, 0.55) {
        let operation = format!("{:08x}", dice.range(0, 0xFFFF_FFFF));
        let machine = dice.pick(&MACHINES);
        let task = dice.range(1_000_000, 9_999_999);
        let text = match dice.range(0, 4) {
            0 => format!("Task Created : haTask--vim.SearchIndex.findByInventoryPath-{task}"),
            1 => format!("Task Completed : haTask--vim.SearchIndex.findByInventoryPath-{task} Status success"),
            2 => format!("State Transition (VM_STATE_ON -> VM_STATE_SNAPSHOT) of {machine}"),
            _ => format!("Guest heartbeat of {machine} is green"),
        };
        let text = format!("info hostd[2099714] [Originator@6876 sub=Vimsvc.TaskManager opID={operation} user=vpxuser] {text}");
        minute.send(at_us, host, esxi(at_us, host, severity::INFO, "Hostd", &text));
    }
    for at_us in minute.moments(&mut dice, 0.1 + 0.5 * minute.site.backup.at(minute.start_us)) {
        let (cpu, world, latency) = (dice.range(0, 32), dice.range(2_097_000, 2_099_999), dice.range(20, 60));
        let text = match dice.range(0, 3) {
            0 => format!("cpu{cpu}:{world})ScsiDeviceIO: 4176: Cmd to dev \"naa.600c0ff000271b42\" took {latency} ms"),
            1 => format!(
                "cpu{cpu}:{world})NetPort: 1580: enabled port 0x{:x} with mac 00:50:56:9c:00:{:02x}",
                dice.range(0x300_0000, 0x300_00FF),
                dice.range(1, 99)
            ),
            _ => format!(
                "cpu{cpu}:{world})VSCSI: 6602: handle {}(vscsi0:0): creating virtual device for world {world}",
                dice.range(8_190, 8_300)
            ),
        };
        minute.send(at_us, host, esxi(at_us, host, severity::INFO, "vmkernel", &text));
    }
    for at_us in minute.moments(&mut dice, 0.006) {
        let text = "[vob.scsi.scsipath.pathstate.on] scsiPath vmhba2:C0:T1:L0 changed state from dead to on";
        minute.send(at_us, host, esxi(at_us, host, severity::WARNING, "vobd", text));
    }
}
