package dev.flywheel.app.setting;

import static dev.flywheel.api.settings.SettingLines.UNSET;

import com.google.protobuf.Descriptors.Descriptor;
import com.google.protobuf.Descriptors.FieldDescriptor;
import com.google.protobuf.Descriptors.FieldDescriptor.JavaType;
import com.google.protobuf.Message;
import dev.flywheel.api.settings.SettingLines;
import dev.flywheel.api.settings.SignalLosses;
import dev.flywheel.api.v1.AdapterRecord;
import dev.flywheel.api.v1.SignalSettings;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import java.util.stream.Collectors;

/**
 * The settings of one adapter, to be set and unset by path, {@code round.learning_rate} for example.
 *
 * <p>A path that there is not, or a value of another kind, is refused by its name, as an {@link IllegalArgumentException}. For
 * one thread.
 */
public final class SettingTree {
    private static final String FIXED = "lora";

    /** What can be changed at any time, in the order of the contract. */
    public static final List<String> CHANGEABLE =
            List.of("round", "release", "learning", "exploration", "quota");

    /** What is fixed when an adapter is made, and what can be changed. */
    public static final List<String> ALL =
            List.of(FIXED, "round", "release", "learning", "exploration", "quota");

    private final AdapterRecord.Builder adapter;
    private final List<String> groups;

    /**
     * Begins with an adapter as it is.
     *
     * @param groups what may be set; of the others only what is so already
     */
    public SettingTree(AdapterRecord adapter, List<String> groups) {
        this.adapter = adapter.toBuilder();
        this.groups = groups;
    }

    /** Returns the adapter with all that was set. */
    public AdapterRecord adapter() {
        return adapter.build();
    }

    /** Sets one value, written as text. */
    public void set(String path, String value) {
        change(path, place -> {
            if (isGroup(place.field)) {
                throw refused(path, "is a group of settings", "set one of "
                        + names(place.field.getMessageType()));
            }
            place.set(value);
        });
    }

    /** Makes one setting, or a group of them, say nothing again; of what is set for single modules the named one. */
    public void unset(String path) {
        change(path, place -> {
            if (!place.field.hasPresence() && place.field.getJavaType() != JavaType.ENUM
                    && !place.field.isMapField()) {
                throw refused(path, "cannot be unset", "it always has a value");
            }
            if (path.equals("round") || path.equals("lora") || path.equals("release")) {
                throw refused(path, "cannot be unset", "every adapter has one");
            }
            place.unset();
        });
    }

    private void change(String path, Consumer<Place> change) {
        if (groups.contains(FIXED) || !path.startsWith(FIXED + ".")) {
            change.accept(find(adapter, path));
            return;
        }
        AdapterRecord.Builder tried = adapter.build().toBuilder();
        change.accept(find(tried, path));
        Map<String, String> is = SettingLines.of(FIXED, adapter.getLora());
        Map<String, String> asked = SettingLines.of(FIXED, tried.getLora());
        if (!asked.equals(is)) {
            throw refused(path, "is to be %s".formatted(asked.getOrDefault(path, UNSET)),
                    "it is fixed when an adapter is made, here at %s; leave it out, or make another adapter"
                            .formatted(is.getOrDefault(path, UNSET)));
        }
    }

    private Place find(Message.Builder root, String path) {
        String name = path;
        String key = "";
        int bracket = path.indexOf('[');
        if (bracket > 0 && path.endsWith("]")) {
            name = path.substring(0, bracket);
            key = path.substring(bracket + 1, path.length() - 1);
        }
        Message.Builder message = root;
        List<String> parts = Arrays.asList(name.split("\\.", -1));
        for (int i = 0; i < parts.size() - 1; i++) {
            FieldDescriptor group = field(message, parts.get(i), i == 0, path);
            if (!isGroup(group)) {
                throw unknown(path, message.getDescriptorForType(), i == 0);
            }
            message = message.getFieldBuilder(group);
        }
        FieldDescriptor leaf =
                field(message, parts.get(parts.size() - 1), parts.size() == 1, path);
        if (leaf.isMapField() == key.isEmpty()) {
            throw leaf.isMapField()
                    ? refused(path, "names no module",
                            "write " + name + "[MODULE], MODULE in full")
                    : unknown(path, message.getDescriptorForType(), parts.size() == 1);
        }
        return new Place(path, message, leaf, key);
    }

    private FieldDescriptor field(Message.Builder message, String name, boolean first,
            String path) {
        FieldDescriptor field = message.getDescriptorForType().findFieldByName(name);
        if (field == null || first && !ALL.contains(name)) {
            throw unknown(path, message.getDescriptorForType(), first);
        }
        return field;
    }

    private IllegalArgumentException unknown(String path, Descriptor beside, boolean first) {
        return new IllegalArgumentException(
                "unknown setting %s; known beside it: %s (all of them: ./flywheel adapter settings)"
                        .formatted(path, first ? String.join(", ", groups) : names(beside)));
    }

    private static String names(Descriptor message) {
        return message.getFields()
                .stream()
                .map(FieldDescriptor::getName)
                .collect(Collectors.joining(", "));
    }

    static IllegalArgumentException refused(String path, String came, String allowed) {
        return new IllegalArgumentException("setting %s %s; %s".formatted(path, came, allowed));
    }

    static boolean isGroup(FieldDescriptor field) {
        return field.getJavaType() == JavaType.MESSAGE && !field.isMapField();
    }

    /** Returns every path that can be set; of what is set for single modules the one for {@code MODULE}. */
    public static List<String> paths() {
        List<String> paths = new ArrayList<>();
        for (String group : ALL) {
            FieldDescriptor field = AdapterRecord.getDescriptor().findFieldByName(group);
            collect(group, field, paths);
        }
        return paths;
    }

    private static void collect(String path, FieldDescriptor field, List<String> paths) {
        if (!isGroup(field)) {
            paths.add(field.isMapField() ? path + "[MODULE]" : path);
            return;
        }
        for (FieldDescriptor each : field.getMessageType().getFields()) {
            if (!waitsForSilenceOfNoMeaning(field, each)) {
                collect(path + "." + each.getName(), each, paths);
            }
        }
    }

    private static boolean waitsForSilenceOfNoMeaning(FieldDescriptor signal,
            FieldDescriptor setting) {
        int number = setting.getNumber();
        return signal.getMessageType().equals(SignalSettings.getDescriptor())
                && !SignalLosses.silenceSpeaks(signal.getName())
                && (number == SignalSettings.OBSERVATION_MILLIS_FIELD_NUMBER
                        || number == SignalSettings.RENDERED_MILLIS_FIELD_NUMBER);
    }

    /** One field of one message, and for a map the key in it. */
    private record Place(String path, Message.Builder message, FieldDescriptor field, String key) {
        void set(String text) {
            if (field.isMapField()) {
                FieldDescriptor value = field.getMessageType().findFieldByName("value");
                Message.Builder entry = message.newBuilderForField(field);
                entry.setField(field.getMessageType().findFieldByName("key"), key);
                entry.setField(value, SettingText.read(path, value, text));
                message.addRepeatedField(field, entry.build());
            } else if (field.isRepeated()) {
                message.clearField(field);
                for (String each : text.split(",", -1)) {
                    message.addRepeatedField(field,
                            SettingText.read(path, field, each.strip()));
                }
            } else {
                message.setField(field, SettingText.read(path, field, text));
            }
        }

        void unset() {
            List<Message> others = new ArrayList<>();
            if (field.isMapField()) {
                FieldDescriptor name = field.getMessageType().findFieldByName("key");
                for (Object each : (List<?>) message.getField(field)) {
                    if (!((Message) each).getField(name).equals(key)) {
                        others.add((Message) each);
                    }
                }
            }
            message.clearField(field);
            others.forEach(each -> message.addRepeatedField(field, each));
        }
    }
}
