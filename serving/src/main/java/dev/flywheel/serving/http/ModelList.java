package dev.flywheel.serving.http;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import dev.flywheel.serving.adapter.ServedAdapter;
import dev.flywheel.serving.adapter.ServedVersions;
import java.util.Optional;

/** What a tenant may ask for: the base, and its adapters with their aliases. */
final class ModelList {
    private static final String SERVING = "serving";

    private final ServedVersions versions;
    private final String base;
    private final long created;

    /** @param created what is said of the base, Unix seconds */
    ModelList(ServedVersions versions, String base, long created) {
        this.versions = versions;
        this.base = base;
        this.created = created;
    }

    ObjectNode all(String tenant) {
        ObjectNode json = JsonNodeFactory.instance.objectNode().put("object", "list");
        ArrayNode data = json.putArray("data").add(base());
        versions.ofTenant(tenant).forEach(adapter -> data.add(shown(adapter)));
        return json;
    }

    Optional<ObjectNode> find(String tenant, String name) {
        return name.equals(base) ? Optional.of(base())
                : versions.ofTenant(tenant)
                        .stream()
                        .filter(adapter -> adapter.record().getName().equals(name))
                        .findFirst()
                        .map(this::shown);
    }

    private ObjectNode base() {
        return model(base, created).put("root", base).putNull("parent");
    }

    private ObjectNode shown(ServedAdapter adapter) {
        ObjectNode json = model(adapter.record().getName(),
                adapter.record().getCreatedAtMillis() / 1000).put("root", base).put("parent", base);
        ObjectNode more = json.putObject("flywheel");
        ServedAdapter.Target serving = adapter.aliases().get(SERVING);
        if (serving != null) {
            more.put("version", serving.number()).put("digest", serving.digest());
        }
        more.put("base_digest", adapter.record().getBaseDigest());
        ObjectNode aliases = more.putObject("aliases");
        adapter.aliases().forEach((alias, target) -> aliases.put(alias, target.number()));
        return json;
    }

    private static ObjectNode model(String id, long created) {
        return JsonNodeFactory.instance.objectNode()
                .put("id", id)
                .put("object", "model")
                .put("created", created)
                .put("owned_by", "flywheel");
    }
}
