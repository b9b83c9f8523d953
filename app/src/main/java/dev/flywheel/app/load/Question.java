package dev.flywheel.app.load;

import dev.flywheel.api.v1.GenerateRequest;
import dev.flywheel.api.v1.RequestScope;

/** A request: whom to ask, and what. */
public record Question(String adapter, String prompt, int tokensMax) {
    /**
     * Returns it for the wire; temperature 0, so that a version has one answer to it.
     *
     * @param number exact version; 0: whichever serves
     */
    GenerateRequest request(long number) {
        return GenerateRequest.newBuilder()
                .setScope(RequestScope.newBuilder()
                        .setAdapter(adapter)
                        .setVersionNumber(number))
                .setPrompt(prompt)
                .setMaxTokens(tokensMax)
                .build();
    }
}
