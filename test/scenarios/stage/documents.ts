/** A document of `aim`; what it says tells its version. */
export const aim = (version: number): string => `resource = "aim"
version = ${version}
[values]
sensitivity = 0.${version}
deadband_deg = 0.4
max_slew_deg_s = 45.0
`

export const safety = (version: number): string => `resource = "safety"
version = ${version}
[values]
max_speed_mm_s = ${200 + version}
max_force_n = 80
min_distance_mm = 400
geofence_radius_m = 120
max_altitude_m = 60
`
