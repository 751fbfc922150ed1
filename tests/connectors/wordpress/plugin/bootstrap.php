<?php
/**
 * Loads the plugin over the stand-ins.
 */

define( 'ABSPATH', __DIR__ );
require __DIR__ . '/stand_ins.php';
require __DIR__ . '/stand_ins_store_api.php';
require __DIR__ . '/stand_ins_database.php';
require dirname( __DIR__, 4 ) . '/connectors/wordpress/plugin/loyalty-hub/loyalty-hub.php';
