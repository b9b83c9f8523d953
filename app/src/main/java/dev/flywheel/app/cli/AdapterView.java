package dev.flywheel.app.cli;

import dev.flywheel.api.settings.SettingLines;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.AliasRecord;
import dev.flywheel.api.v1.AuditEntry;
import dev.flywheel.app.setting.SettingReference;
import dev.flywheel.app.setting.SettingTree;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * One adapter as it is printed.
 *
 * @param settings by path; null where one is unset
 * @param unset by path of those: what is in force instead
 */
record AdapterView(
        String adapter,
        String tenant,
        String baseDigest,
        String head,
        String revision,
        String createdAt,
        @Nullable String deletedAt,
        Map<String, String> aliases,
        Map<String, @Nullable String> settings,
        Map<String, String> unset,
        List<Done> audit) {

    /** One thing that was done to it. */
    record Done(
            String sequence,
            String at,
            String what,
            String actor,
            String reason,
            String revision,
            List<String> changes) {
        static Done of(AuditEntry entry) {
            return new Done(Long.toUnsignedString(entry.getSequence()), time(entry.getAtMillis()),
                    what(entry), entry.getActor(), entry.getReason(),
                    Long.toUnsignedString(entry.getRevision()),
                    entry.getChanges().lines().toList());
        }

        private static String what(AuditEntry entry) {
            return switch (entry.getAction()) {
                case AUDIT_ACTION_CREATED -> "created";
                case AUDIT_ACTION_CONFIGURED -> "configured";
                case AUDIT_ACTION_DELETED -> "deleted";
                case AUDIT_ACTION_ROLLED_BACK -> "rolled back" + head(entry);
                case AUDIT_ACTION_EXCISED -> "rounds taken out" + head(entry);
                case AUDIT_ACTION_READMITTED -> "rounds brought back" + head(entry);
                case AUDIT_ACTION_FORGOTTEN -> "forgetting" + head(entry);
                case AUDIT_ACTION_REPAIRED -> "trained again" + head(entry);
                case AUDIT_ACTION_UNSPECIFIED, AUDIT_ACTION_ALIAS_MOVED, UNRECOGNIZED ->
                    "%s moved from %s to %s".formatted(entry.getAlias(),
                            Long.toUnsignedString(entry.getFromVersion()),
                            Long.toUnsignedString(entry.getToVersion()));
            };
        }

        private static String head(AuditEntry entry) {
            return ", HEAD from %s to %s".formatted(Long.toUnsignedString(entry.getFromVersion()),
                    Long.toUnsignedString(entry.getToVersion()));
        }

        @Override
        public String toString() {
            String line = "%6s  %s  %s".formatted(sequence, at, what)
                    + (actor.isEmpty() ? "" : ", by " + actor)
                    + (reason.isEmpty() ? "" : ": " + reason);
            return changes.isEmpty() ? line
                    : line + "%n%10s".formatted("") + String.join("%n%10s".formatted(""), changes);
        }
    }

    static AdapterView of(AdapterRecord record, List<AliasRecord> aliases,
            List<AuditEntry> audit) {
        Map<String, String> named = new TreeMap<>();
        aliases.forEach(alias -> named.put(alias.getAlias(),
                Long.toUnsignedString(alias.getVersion())));
        Map<String, @Nullable String> settings = new LinkedHashMap<>();
        Map<String, String> unset = new LinkedHashMap<>();
        Map<String, String> set = new LinkedHashMap<>(SettingLines.of("lora", record.getLora()));
        set.putAll(SettingLines.of(record));
        for (String path : SettingTree.paths()) {
            if (!path.contains("[") && !set.containsKey(path)) {
                settings.put(path, null);
                unset.put(path, inForce(path));
            } else if (set.containsKey(path)) {
                settings.put(path, set.remove(path));
            }
        }
        settings.putAll(set); // of single modules
        long gone = record.getDeletedAtMillis();
        return new AdapterView(record.getName(), tenantOf(record), record.getBaseDigest(),
                Long.toUnsignedString(record.getHead()),
                Long.toUnsignedString(record.getRevision()), time(record.getCreatedAtMillis()),
                gone == 0 ? null : time(gone), named, settings, unset,
                audit.stream().map(Done::of).toList());
    }

    static String tenantOf(AdapterRecord record) {
        return record.getTenant().isEmpty() ? "default" : record.getTenant();
    }

    private static String time(long millis) {
        return Instant.ofEpochMilli(millis).toString();
    }

    private static String inForce(String path) {
        return SettingReference.inForceUnset(path);
    }

    /** For a person. */
    String text() {
        StringBuilder text = new StringBuilder();
        text.append("%s, tenant %s, version %s, revision %s%n".formatted(adapter, tenant, head,
                revision));
        text.append("made %s%s%n".formatted(createdAt,
                deletedAt == null ? "" : ", deleted " + deletedAt));
        text.append("base %s%n".formatted(baseDigest));
        aliases.forEach((alias, version) -> text.append("%s is version %s%n".formatted(alias,
                version)));
        text.append("%n".formatted());
        settings.forEach((path, value) -> text.append("%-40s %s%n".formatted(path,
                value == null ? "unset: " + unset.get(path) : value)));
        text.append("%ndone to it, newest first%n".formatted());
        audit.forEach(done -> text.append(done).append(System.lineSeparator()));
        return text.toString().stripTrailing();
    }
}
