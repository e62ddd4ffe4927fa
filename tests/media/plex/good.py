"""Arguments with which every tool of the Plex server's own succeeds on the small sandbox, and for the others of a form
that their schemas allow."""

from __future__ import annotations

from typing import Any

GOOD: dict[str, dict[str, Any]] = {
    "authenticate_plex": {},
    "check_auth_status": {},
    "clear_auth": {},
    "get_libraries": {},
    "browse_libraries": {},
    "get_library_items": {"libraryKey": "1", "type": "movie", "limit": 5, "offset": 1, "sort": "year:desc,titleSort"},
    "get_recently_added": {"library_id": "2", "limit": 10, "chunk_size": 3, "chunk_offset": 1},
    "get_on_deck": {"limit": 2},
    "get_collections": {"library_id": "1"},
    "browse_collection": {"collection_id": "{collection}", "sort": "rating", "limit": 5, "offset": 0},
    "scan_library": {"libraryKey": "1", "force": True},
    "search_media": {"query": "the", "type": "movie", "libraryKey": "1", "limit": 5, "offset": 0},
    "browse_library": {
        "library_id": "1",
        "sort": "rating",
        "genre": "Comedy",
        "year_min": 1920,
        "year_max": 1960,
        "play_count_max": 5,
        "added_after": "2020-01-01",
        "duration_min": 1,
        "rating_min": 1,
        "file_size_min": 1,
        "limit": 5,
    },
    "search_plex": {"query": "the", "type": "movie", "director": "Buster Keaton", "limit": 3, "never_played": True},
    "get_media_details": {"ratingKey": "1001"},
    "get_editable_fields": {"ratingKey": "1001"},
    "get_media_info": {"item_key": "3003"},
    "get_watched_status": {"item_keys": ["1001", "2001"], "account_id": "2"},
    "get_playlists": {},
    "list_playlists": {"playlist_type": "audio"},
    "get_playlist_items": {"playlistId": "{playlist}"},
    "browse_playlist": {"playlist_id": "{playlist}", "limit": 2},
    "create_playlist": {"title": "Evening", "type": "movie", "ratingKeys": ["1001", "1002"]},
    "create_smart_playlist": {
        "title": "Old",
        "type": "video",
        "library_id": "1",
        "filters": [{"field": "year", "operator": "lt", "value": 1930}],
        "limit": 10,
    },
    "add_to_playlist": {"playlistId": "{playlist}", "ratingKey": "1001"},
    "remove_from_playlist": {"playlist_id": "{playlist}", "playlistItemId": "{entry}"},
    "clear_playlist": {"playlistId": "{playlist}", "confirm": False},
    "delete_playlist": {"playlist_id": "{playlist}"},
    "get_watchlist": {},
    "add_to_watchlist": {"ratingKey": "1001"},
    "remove_from_watchlist": {"ratingKey": "1001"},
    "get_recently_watched": {"limit": 5, "mediaType": "episode"},
    "get_watch_history": {"limit": 5, "userId": "1", "mediaType": "movie", "chunk_size": 2, "chunk_offset": 0},
    "get_active_sessions": {},
    "stop_session": {"sessionId": "{session}", "reason": "Bed time."},
    "get_fully_watched": {"libraryKey": "1", "mediaType": "movie", "limit": 5},
    "get_watch_stats": {"timeRange": 90, "statType": "duration"},
    "get_user_stats": {"timeRange": 90},
    "get_library_stats": {"libraryKey": "1", "include_details": True},
    "get_popular_content": {"timeRange": 90, "metric": "duration", "mediaType": "show", "limit": 5},
    "get_recommendations": {"libraryKey": "1", "limit": 3, "userId": "1"},
    "get_listening_stats": {
        "account_id": "1",
        "time_period": "year",
        "include_recommendations": True,
        "music_library_id": "3",
    },
    "discover_music": {"query": "classical that I haven't heard", "context": "evening", "limit": 5},
    "update_metadata": {"ratingKey": "1001", "tagline": "A tagline.", "genres": ["Comedy", "War"]},
    "update_metadata_from_json": {"ratingKey": "1001", "metadata": {"studio": "A studio"}, "setPosterFromUrl": False},
    "rate_media": {"ratingKey": "1001", "rating": 8.5},
    "mark_watched": {"ratingKey": "1001"},
    "mark_unwatched": {"ratingKey": "1001"},
    "export_library": {"libraryKey": "1", "type": "movie", "outputPath": "a/films.json", "pageSize": 7},
    "validate_llm_response": {
        "response": {"summary": "s", "findings": ["f"]},
        "prompt_type": "media_analysis",
    },
}
"""Every tool that the Plex server has of its own. What stands in braces is filled in by `fill`."""

OTHERS: dict[str, dict[str, Any]] = {
    "trakt_authenticate": {"state": "abcdefgh"},
    "trakt_complete_auth": {"code": "abcdefgh"},
    "trakt_get_auth_status": {},
    "trakt_sync_to_trakt": {"dryRun": True},
    "trakt_sync_from_trakt": {},
    "trakt_sync_apply": {},
    "trakt_get_user_stats": {},
    "trakt_start_scrobbling": {},
    "trakt_stop_scrobbling": {},
    "trakt_get_scrobble_status": {},
    "trakt_get_sync_status": {},
    "trakt_search": {"query": "general"},
    "sonarr_get_series": {},
    "sonarr_search": {"query": "hillbillies"},
    "sonarr_add_series": {"tvdbId": 71471, "title": "The Beverly Hillbillies"},
    "sonarr_get_missing": {},
    "sonarr_get_queue": {},
    "sonarr_get_calendar": {},
    "sonarr_get_profiles": {},
    "sonarr_trigger_search": {},
    "radarr_get_movies": {},
    "radarr_search": {"query": "general"},
    "radarr_add_movie": {"tmdbId": 961, "title": "The General"},
    "radarr_get_missing": {},
    "radarr_get_queue": {},
    "radarr_get_calendar": {},
    "radarr_get_profiles": {},
    "radarr_trigger_search": {},
    "arr_get_status": {},
}
"""The tools of the other groups on the same server."""


def fill(arguments: Any, values: dict[str, str]) -> Any:
    """The arguments with what stands in braces replaced."""
    if isinstance(arguments, dict):
        return {name: fill(value, values) for name, value in arguments.items()}
    if isinstance(arguments, list):
        return [fill(each, values) for each in arguments]
    if isinstance(arguments, str) and arguments.startswith("{"):
        return values[arguments[1:-1]]
    return arguments
