package dev.flywheel.feedback.guard;

import dev.flywheel.api.v1.Example;

/**
 * Whose an example is: one of a tenant's. Requests without a user share one.
 *
 * @param name pseudonym, as the request gave it; may be empty
 */
record User(String tenant, String name) {
    static User of(Example example) {
        return new User(example.getTenant(), example.getUser());
    }
}
