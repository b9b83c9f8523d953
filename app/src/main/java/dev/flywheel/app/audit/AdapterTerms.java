package dev.flywheel.app.audit;

import dev.flywheel.app.audit.EventBook.Place;

/**
 * Events in the manifests of one adapter. What was refused or is on its way is not told by adapter: an event does not name one, and
 * its answer may be gone.
 */
public record AdapterTerms(long trained, long quarantined, long inOpenManifests) {
    static AdapterTerms of(Place place) {
        return new AdapterTerms(place == Place.TRAINED ? 1 : 0,
                place == Place.QUARANTINED ? 1 : 0, place == Place.CLAIMED ? 1 : 0);
    }

    AdapterTerms plus(AdapterTerms other) {
        return new AdapterTerms(trained + other.trained, quarantined + other.quarantined,
                inOpenManifests + other.inOpenManifests);
    }
}
